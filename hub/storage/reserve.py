"""A file that keeps some space free, so that there is room to tidy up on a full disk."""

import os
from pathlib import Path

MIB = 1 << 20
_CHUNK = 256 * 1024


class Reserve:
    """The reserve file of a data folder; all methods block and belong on the writer's thread."""

    def __init__(self, folder: Path, size: int = 16 * MIB) -> None:
        self.path = folder / "reserve.bin"
        disk = os.statvfs(folder)
        # On a very small disk a fixed reserve would be most of it.
        self.size = min(size, disk.f_blocks * disk.f_frsize // 16)
        self.is_released = False

    def ensure(self) -> bool:
        """Write the file if it is missing and there is room for it; tell whether it is there."""
        try:
            if self.path.stat().st_size >= self.size:
                self.is_released = False
                return True
        except FileNotFoundError:
            pass
        # A quarter more than the file, lest the very next write finds the disk full again.
        if self.free_bytes() < self.size * 5 // 4:
            return False
        try:
            self._write()
        except OSError:
            self.path.unlink(missing_ok=True)
            return False
        self.is_released = False
        return True

    def release(self) -> None:
        """Give the space back to the file system."""
        self.is_released = True
        self.path.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """Return what the file system can still take."""
        disk = os.statvfs(self.path.parent)
        return disk.f_bavail * disk.f_frsize

    def _write(self) -> None:
        # Random bytes, because a file system that compresses would keep no room for zeros.
        with self.path.open("wb") as file:
            left = self.size
            while left > 0:
                left -= file.write(os.urandom(min(_CHUNK, left)))
            file.flush()
            os.fsync(file.fileno())

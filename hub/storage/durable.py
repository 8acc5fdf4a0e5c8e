"""Files that survive a power cut: written whole, synced, read back, then renamed into place."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

from hub.errors import StorageError, StorageFull

PRIVATE = 0o600

# EFBIG: a limit on the size of one file (ulimit -f) is as final for the writer as a full disk.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def explained(error: OSError, path: Path) -> StorageError:
    """Turn what the operating system said about *path* into one sentence for the user."""
    if error.errno in _FULL:
        return StorageFull(f"{path}: no space left on the disk; free some, then try again")
    reason = error.strerror or str(error)
    return StorageError(f"{path}: {reason}; check the disk and the rights of the folder")


def write_all(descriptor: int, data: bytes) -> None:
    """Write *data* completely; a plain ``os.write`` may stop half-way when space runs out."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def write_verified(path: Path, data: bytes) -> None:
    """Write *data* to *path* (mode 0600), sync it, and read it back.

    Raises:
        OSError: writing failed, or the disk returned something else than was written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
    try:
        os.fchmod(descriptor, PRIVATE)
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if path.read_bytes() != data:
        raise OSError(errno.EIO, "the disk does not return what was written", str(path))


def sync_folder(folder: Path) -> None:
    """Make renames in *folder* survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes) -> None:
    """Replace *path* by *data* at once: readers and power cuts see the old or the new file."""
    fresh = path.with_name(f"{path.name}.new")
    write_verified(fresh, data)
    fresh.replace(path)
    sync_folder(path.parent)


def set_aside(path: Path, stamp: str) -> Path:
    """Keep the contents of *path* as ``<name>.damaged-<stamp>`` while *path* stays; name it.

    *path* itself is left in place, because a recovery that is interrupted needs it once more.
    """
    number, target = 1, path.with_name(f"{path.name}.damaged-{stamp}")
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    try:
        os.link(path, target)
    except OSError:  # FAT and some network file systems have no links
        shutil.copyfile(path, target)
        with contextlib.suppress(OSError):
            target.chmod(PRIVATE)
    return target

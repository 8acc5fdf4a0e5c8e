"""One hub a folder: a lock that ends with the process that holds it."""

import fcntl
import os
from pathlib import Path

from hub.errors import FolderInUse, HubError

LOCK = "hub.lock"


class FolderLock:
    """Holds the folder for this process; the kernel lets go of it if the process dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock.

        Raises:
            FolderInUse: Another process holds it.
            HubError: The folder can't be written.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as err:
            raise HubError(
                f"{self._path.parent}: the folder can't be written ({err.strerror}); "
                "make it yours or name another one with --config"
            ) from err
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise FolderInUse(
                f"{self._path.parent}: another hub is running on this folder (process {holder}); "
                "stop it first, or name another folder with --config"
            ) from err
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go of the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

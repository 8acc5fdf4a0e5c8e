"""Bodies on their way to the quarantine that are too large to hold in memory."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from attrs import evolve

from hub.errors import StorageBusy, StorageError
from hub.storage.database import storage_error
from hub.storage.ring import MIB, sync_folder
from hub.storage.writes import QuarantineItem, WriteResult

Submit = Callable[[QuarantineItem], Awaitable[WriteResult]]


class Spools:
    """The spools that are open, at most *limit* of at most *max_bytes* each."""

    def __init__(
        self, folder: Path, submit: Submit, *, limit: int = 8, max_bytes: int = 64 * MIB
    ) -> None:
        self.folder = folder
        self.submit = submit
        self.max_bytes = max_bytes
        self.open_count = 0
        self._limit = limit
        # One thread, so that what is cancelled and what removes it cannot overtake each other.
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="storage-spool")

    def begin(self) -> "Spool":
        """Make a spool.

        Raises:
            StorageBusy: too many are open.
        """
        if self.open_count >= self._limit:
            raise StorageBusy("too many large messages are being written: try again later")
        self.open_count += 1
        return Spool(self)

    def close(self) -> None:
        """Wait for what is being written; blocks."""
        self.pool.shutdown(wait=True)


class Spool:
    """A body that is written as it arrives; leaving ``async with`` uncommitted removes it."""

    def __init__(self, spools: Spools) -> None:
        self.size = 0
        self._spools = spools
        self._path = spools.folder / secrets.token_hex(16)
        self._file: BinaryIO | None = None
        self._is_open = True

    async def write(self, chunk: bytes) -> None:
        """Append *chunk* to the file.

        Raises:
            StorageError: the body has become too long, or the file cannot be written.
        """
        if self.size + len(chunk) > self._spools.max_bytes:
            raise StorageError(f"the message has more than {self._spools.max_bytes} bytes")
        self.size += len(chunk)
        await self._call(lambda: self._append(chunk))

    async def commit(self, item: QuarantineItem) -> int:
        """Keep the message with this body; return its id once both are on disk."""
        await self._call(self._sync)
        # Raises at once if it is refused, and then leaving removes the file.
        stored = self._spools.submit(evolve(item, body=b"", file=self._path.name, size=self.size))
        self._leave()
        try:
            return (await stored).quarantine_ids[0]
        except StorageBusy:  # given up waiting, but the row may still be committed
            raise
        except StorageError:
            await self._call(self._remove)
            raise

    async def abort(self) -> None:
        """Remove what was written; a second time does nothing."""
        if self._is_open:
            self._leave()
            await self._call(self._remove)

    def _leave(self) -> None:
        if self._is_open:
            self._is_open = False
            self._spools.open_count -= 1

    async def _call(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._spools.pool, work)
        except OSError as err:
            raise storage_error(err, self._spools.folder) from err

    def _append(self, chunk: bytes) -> None:
        if self._file is None:
            self._file = self._path.open("xb")
        self._file.write(chunk)

    def _sync(self) -> None:
        self._append(b"")
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        sync_folder(self._path.parent)

    def _remove(self) -> None:
        if self._file is not None:
            self._file.close()
        self._path.unlink(missing_ok=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.abort()

"""The way of changes to the disk: whatever waits while one batch is written becomes the next.

There is no timer: the sync under way is the time in which the next batch gathers, so a single
writer waits for one sync and a thousand share a few.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from attrs import Factory, define

from hub.errors import StorageBusy, StorageError
from hub.storage.generations import Generations
from hub.storage.journal import Change

MAX_WAITING = 10_000
"""How many changes may wait for the disk before more are refused."""


@define
class _Batch:
    changes: list[Change] = Factory(list)
    waiters: list[asyncio.Future[None]] = Factory(list)

    def settle(self, error: BaseException | None) -> None:
        for waiter in self.waiters:
            if waiter.done():  # its caller was cancelled
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


class Batches:
    """Brings changes to *files* in one thread; belongs to the running event loop."""

    def __init__(self, files: Generations, executor: ThreadPoolExecutor) -> None:
        self.files = files
        self.on_failure: Callable[[Iterable[Change]], None] = lambda _: None
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._gathering = _Batch()
        self._flying = _Batch()
        self._job: asyncio.Future[None] | None = None
        self._is_started = False
        self._is_closed = False

    def add(self, changes: list[Change]) -> None:
        """Queue *changes*; they are written together with all that is added in this turn.

        Raises:
            StorageBusy: too many wait already.
            StorageError: the store is closed.
        """
        if self._is_closed:
            raise StorageError("the documents are closed")
        if len(self._gathering.changes) + len(changes) > MAX_WAITING:
            raise StorageBusy(f"{MAX_WAITING} document changes wait for the disk; try again later")
        self._gathering.changes.extend(changes)
        if not self._is_started:
            self._is_started = True
            self._loop.call_soon(self._start)

    async def durable(self) -> None:
        """Wait until everything added so far is on disk.

        Raises:
            StorageFull: no space left; memory is again what the disk has.
            StorageError: the disk failed; likewise.
        """
        batch = self._gathering if self._gathering.changes else self._flying
        if batch.changes:
            waiter: asyncio.Future[None] = self._loop.create_future()
            batch.waiters.append(waiter)
            await waiter

    async def snapshot(self) -> bytes:
        """Return all documents that are on disk, as the file of a snapshot."""
        # On the writing thread, where nothing changes them meanwhile.
        return await self._loop.run_in_executor(self._executor, self.files.snapshot)

    async def close(self) -> None:
        """Write what waits, then close the files and end the thread; twice is harmless."""
        self._is_closed = True
        self._start()
        while self._job is not None:
            await asyncio.wait((self._job,))
        self.files.close()
        # Its thread has nothing left to do; waiting for it would block the loop.
        self._executor.shutdown(wait=False)

    def _start(self) -> None:
        self._is_started = False
        if self._job is not None:
            return
        if self.files.is_compaction_due:
            self._job = self._loop.run_in_executor(self._executor, self.files.compact)
        elif self._gathering.changes:
            self._flying, self._gathering = self._gathering, _Batch()
            self._job = self._loop.run_in_executor(
                self._executor, self.files.append, self._flying.changes
            )
        else:
            return
        self._job.add_done_callback(self._finish)

    def _finish(self, job: asyncio.Future[None]) -> None:
        self._job = None
        done, self._flying = self._flying, _Batch()
        error = job.exception()
        if error is not None:
            # What gathered meanwhile was made on top of changes that failed: it fails with them.
            failed, self._gathering = self._gathering, _Batch()
            self.on_failure([*done.changes, *failed.changes])
            failed.settle(error)
        done.settle(error)
        self._start()

"""The loop's side of the one writer: what may be handed over, and who hears of its end."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn, TypeVar

from hub.errors import StorageBusy, StorageError
from hub.storage.committer import Committer, Fault
from hub.storage.counters import WriterCounters
from hub.storage.database import Database, storage_error
from hub.storage.jobs import Apply, Job, Slice
from hub.storage.reserve import Reserve
from hub.storage.ring import Ring
from hub.storage.statements import LATEST
from hub.storage.thread import WriterThread
from hub.storage.watchdog import Watchdog
from hub.storage.writes import LatestRow, WriteBatch, WriteResult

T = TypeVar("T")

_LATEST_ROWS = 1000
_MAX_BACKGROUND = 2000


def _ignore(*_arguments: object) -> None:
    """Tell nobody."""


class Writer:
    """Commits what the loop hands over, in that order, as many batches at once as wait.

    There is no timer: while one group is committed the next one gathers. All methods belong on
    the loop. *max_rows* and *max_bytes* bound what may wait; a batch above them is accepted when
    nothing else waits. ``on_committed`` and ``on_failed`` are called on the loop in commit order,
    right after the futures are done, also for batches whose waiter has given up; ``on_full`` once
    when the disk is full and the reserve was released. *fault* is for tests (see `Committer`).
    """

    def __init__(
        self,
        database: Database,
        ring: Ring,
        reserve: Reserve,
        *,
        max_rows: int = 100_000,
        max_bytes: int = 64 << 20,
        fault: Fault | None = None,
    ) -> None:
        self.counters = WriterCounters()
        self.on_committed: Callable[[list[WriteBatch]], None] = _ignore
        self.on_failed: Callable[[list[WriteBatch], Exception], None] = _ignore
        self.on_full: Callable[[], None] = _ignore
        self.fault = fault
        self._parts = (database, ring, reserve)
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._number = 0
        self._is_open = False
        self._was_full = False
        self._watchdog = Watchdog(self._progress)
        self._committer: Committer | None = None
        self._thread: WriterThread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Connect and start the thread; the database must be open.

        Raises:
            StorageError: the database cannot be written.
        """
        self._loop = asyncio.get_running_loop()
        self._committer = await asyncio.to_thread(self._connect)
        self._thread = WriterThread(self._committer, self._delivered)
        self._thread.start()
        self._is_open = True

    async def close(self, *, seconds: float = 8.0) -> bool:
        """Finish all that was handed over and stop; tell whether that came to its end in time."""
        self._is_open = False
        thread = self._thread
        if thread is None:
            return True
        thread.stop()
        is_done = await asyncio.to_thread(thread.join, seconds)
        await asyncio.sleep(0)  # what the thread delivered last is run before this returns
        self._watchdog.stop()
        return is_done

    def submit(self, batch: WriteBatch, *, is_urgent: bool = True) -> "asyncio.Future[WriteResult]":
        """Hand over *batch*; the future is done once it is on disk.

        A batch that is not urgent is committed with the next urgent one, or within a second.

        Raises:
            StorageBusy: too much waits already, the disk has stalled, or the writer is closed.
        """
        return self._put(Job(self._next(), self._future(), batch=batch, is_urgent=is_urgent))

    async def run(self, apply: Callable[[sqlite3.Connection], T], *, is_patient: bool = False) -> T:
        """Return what *apply* returns, run in a transaction between the batches before and after.

        It must not commit, and should be quick: everybody waits for it. With *is_patient* the
        caller waits for as long as it takes, also when the disk stalls.

        Raises:
            StorageBusy: as for `submit`.
        """
        job = Job(self._next(), self._future(), apply=apply)
        result: T = await self._put(job, is_patient=is_patient)
        return result

    async def run_slice(
        self, apply: Callable[[sqlite3.Connection], T], *, page_count: int = 0
    ) -> Slice[T]:
        """Run *apply* in a transaction of its own when nobody waits for the writer.

        It begins after everything handed over before it. Keep it below 50 ms: the returned
        seconds are there to adapt the next slice. *page_count* is how many pages it moves beside
        the rows it changes.
        """
        job = self._put_background(apply, page_count=page_count)
        value: T = await job.future
        return Slice(value, job.seconds)

    def submit_latest(self, rows: Sequence[LatestRow]) -> "asyncio.Future[Any]":
        """Write the last value of each series, in the background; later calls win.

        Raises:
            StorageBusy: as for `submit`.
        """
        parts = [rows[at : at + _LATEST_ROWS] for at in range(0, len(rows), _LATEST_ROWS)]
        jobs = [self._put_background(partial(self._save_latest, part)) for part in parts]
        return asyncio.gather(*[job.future for job in jobs])

    async def turn(self) -> None:
        """Wait until background work may run: nobody waits, or it has not run for a while."""
        await self._put_background(None).future

    async def checkpoint(self) -> None:
        """Empty the write-ahead log into the database, so that the file gets its real size."""
        await self._put_background(None, wants_checkpoint=True).future

    @property
    def is_stalled(self) -> bool:
        """Whether the disk has not answered for a second."""
        return self._watchdog.is_stalled

    def _connect(self) -> Committer:
        database, ring, reserve = self._parts
        try:
            committer = Committer(database, ring, reserve, self.counters)
            committer.open()
        except (sqlite3.Error, OSError) as err:
            raise storage_error(err, database.folder) from err
        committer.fault = self._call_fault
        return committer

    def _call_fault(self, place: str) -> None:
        if self.fault is not None:
            self.fault(place)

    def _save_latest(self, rows: Sequence[LatestRow], connection: sqlite3.Connection) -> None:
        if self._committer is not None:
            LATEST.run(connection, rows, self._committer.tick)

    def _progress(self) -> int:
        return 0 if self._committer is None else self._committer.progress

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _future(self) -> "asyncio.Future[Any]":
        if self._loop is None or not self._is_open:
            raise StorageBusy("the storage is not running: try again later")
        if self._thread is not None and self._thread.has_ended:
            raise StorageError("the writer has ended: restart the hub")
        return self._loop.create_future()

    def _put(self, job: Job, *, is_patient: bool = False) -> "asyncio.Future[Any]":
        counters = self.counters
        if self._watchdog.is_stalled and not is_patient:
            self._refuse("the disk has not answered for a second")
        rows = counters.queued_row_count + job.row_count
        size = counters.queued_bytes + job.byte_count
        if counters.queued_row_count and (rows > self._max_rows or size > self._max_bytes):
            self._refuse("too much waits to be written")
        counters.queued_row_count = rows
        counters.queued_bytes = size
        if job.is_urgent and not is_patient:
            self._watchdog.watch(job)
        if self._thread is not None:
            self._thread.put(job)
        return job.future

    def _put_background(
        self, apply: Apply | None, *, page_count: int = 0, wants_checkpoint: bool = False
    ) -> Job:
        job = Job(self._next(), self._future(), apply=apply, is_urgent=False)
        job.page_count = page_count
        job.wants_checkpoint = wants_checkpoint
        job.row_count = 0  # bounded by their own number
        if self._thread is None or self._thread.background_count >= _MAX_BACKGROUND:
            self._refuse("too much background work waits")
        self._thread.put_background(job)
        return job

    def _refuse(self, why: str) -> NoReturn:
        self.counters.refused_batch_count += 1
        raise StorageBusy(f"{why}: try again later")

    def _delivered(self, jobs: list[Job]) -> None:
        """Bring finished jobs from the thread to the loop."""
        loop = self._loop
        if jobs and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._deliver, jobs)

    def _deliver(self, jobs: list[Job]) -> None:
        counters = self.counters
        committed: list[WriteBatch] = []
        failed: list[WriteBatch] = []
        error: Exception | None = None
        for job in jobs:
            counters.queued_row_count -= job.row_count
            counters.queued_bytes -= job.byte_count
            batch = job.batch
            if batch is not None:
                if job.error is None:
                    batch.result = job.result
                    committed.append(batch)
                else:
                    failed.append(batch)
                    error = job.error
            _resolve(job)
        self._watchdog.settle(jobs[-1].number)
        counters.batch_count += len(committed)
        counters.stall_count = self._watchdog.stall_count
        if committed:
            self.on_committed(committed)
        if error is not None:
            self.on_failed(failed, error)
        self._tell_full()

    def _tell_full(self) -> None:
        is_full = self.counters.is_full
        if is_full and not self._was_full:
            self._was_full = True
            self.on_full()
        self._was_full = is_full


def _resolve(job: Job) -> None:
    future = job.future
    if future.done():
        return
    if job.error is None:
        future.set_result(job.result)
        return
    future.set_exception(job.error)
    if not job.is_urgent:
        future.exception()  # nobody may be waiting: the counters and on_failed tell of it

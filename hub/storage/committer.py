"""The writer's hands: transactions on its one connection, and what a failure leads to."""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence

from hub.errors import HubError, StorageFull
from hub.storage.checkpoint import Checkpointer
from hub.storage.counters import WriterCounters
from hub.storage.database import Database, is_damage, is_full, primary_code, storage_error
from hub.storage.jobs import Job
from hub.storage.reserve import Reserve
from hub.storage.ring import Ring
from hub.storage.transaction import store, store_carefully
from hub.storage.writes import WriteBatch

log = logging.getLogger(__name__)

Fault = Callable[[str], None]

# What a job can raise. It is a long list because a job is somebody else's function, and it must
# not end the thread that everybody waits for; anything else does, which `Writer` reports.
FAILURES = (
    sqlite3.Error,
    sqlite3.Warning,
    HubError,
    OSError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
_DISK_CODES = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
)


def _no_fault(_place: str) -> None:
    """Let everything pass."""


class Committer:
    """Commits groups of jobs; everything blocks and runs on the writer's thread.

    ``progress`` grows with each statement, commit and checkpoint: whoever watches it knows whether
    the disk still moves. *fault* is called as ``begin``, ``commit`` and ``checkpoint`` right before
    each of these, and may block or raise what a disk would.
    """

    def __init__(
        self, database: Database, ring: Ring, reserve: Reserve, counters: WriterCounters
    ) -> None:
        self.progress = 0
        self.fault: Fault = _no_fault
        self._database = database
        self._ring = ring
        self._reserve = reserve
        self._counters = counters
        self._checkpointer = Checkpointer(counters)
        self._connection = database.connect_writer()
        self._changes = 0

    def open(self) -> None:
        """Make the reserve and load the ring's counts."""
        self._reserve.ensure()
        self._ring.load(self._connection)

    def close(self, *, is_clean: bool) -> None:
        """Empty the log into the database, note whether the stop was clean and close."""
        try:
            if is_clean and not self._counters.is_damaged:
                self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('is_clean', 1)")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as err:
            log.warning("the database could not be closed cleanly error=%s", err)
        finally:
            self._connection.close()

    def tick(self) -> None:
        """Note that something moved."""
        self.progress += 1

    def commit(self, jobs: Sequence[Job]) -> None:
        """Run *jobs* in one transaction and leave result or error in each.

        If it fails because of one of them, that one fails alone. If the disk failed, all do.
        """
        if self._reserve.is_released and not self._reserve.ensure():
            self._fail(jobs, StorageFull(f"no space left on the disk of {self._database.folder}"))
            return
        self._counters.is_full = False
        self._attempt(jobs)

    def run_slice(self, job: Job) -> None:
        """Run one piece of background work; it is allowed on a full disk, for it may free space."""
        if job.apply is None:
            return
        started = time.perf_counter()
        self._attempt([job])
        job.seconds = time.perf_counter() - started
        counters = self._counters
        counters.slice_count += 1
        counters.slice_seconds += job.seconds
        counters.longest_slice = max(counters.longest_slice, job.seconds)

    def checkpoint(self, *, is_forced: bool = False) -> None:
        """Shorten the log if it is due."""
        checkpointer = self._checkpointer
        if not (checkpointer.is_due or (is_forced and checkpointer.is_needed)):
            return
        try:
            self.fault("checkpoint")
            # On a full disk the log's own file is the space to be had.
            checkpointer.run(self._connection, is_emptying=self._reserve.is_released)
        except (sqlite3.Error, OSError) as err:
            self._note_failure(err)
        self.tick()

    def _attempt(self, jobs: Sequence[Job]) -> None:
        try:
            self._transact(jobs)
        except FAILURES as err:
            self._roll_back()
            self._after_failure(jobs, err)

    def _after_failure(self, jobs: Sequence[Job], err: Exception) -> None:
        if self._is_disk_failure(err):
            self._note_failure(err)
            self._fail(jobs, storage_error(err, self._database.folder))
        elif len(jobs) > 1:
            half = len(jobs) // 2
            self._attempt(jobs[:half])
            self._attempt(jobs[half:])
        elif isinstance(err, sqlite3.IntegrityError) and jobs[0].batch is not None:
            self._attempt_carefully(jobs[0], jobs[0].batch)
        else:
            self._fail_one(jobs[0], err)

    def _attempt_carefully(self, job: Job, batch: WriteBatch) -> None:
        try:
            self._begin()
            result = store_carefully(self._connection, batch, self._ring, self.tick)
            self._end([job])
            job.result = result
        except FAILURES as err:
            self._roll_back()
            self._fail_one(job, err)

    def _transact(self, jobs: Sequence[Job]) -> None:
        self._begin()
        results: list[object] = []
        batches: list[WriteBatch] = []
        for job in jobs:
            if job.batch is not None:
                batches.append(job.batch)
                continue
            if batches:
                results += store(self._connection, batches, self._ring, self.tick)
                batches = []
            assert job.apply is not None  # noqa: S101 - a job is one or the other
            results.append(job.apply(self._connection))
            self.tick()
        if batches:
            results += store(self._connection, batches, self._ring, self.tick)
        self._end(jobs)
        for job, result in zip(jobs, results, strict=True):
            job.result = result

    def _begin(self) -> None:
        self.fault("begin")
        self._changes = self._connection.total_changes
        self._connection.execute("BEGIN IMMEDIATE")
        self.tick()

    def _end(self, jobs: Sequence[Job]) -> None:
        self.fault("commit")
        started = time.perf_counter()
        self._connection.execute("COMMIT")
        seconds = time.perf_counter() - started
        self.tick()
        self._ring.committed()
        self._checkpointer.note(
            self._connection.total_changes - self._changes, sum(job.page_count for job in jobs)
        )
        counters = self._counters
        counters.commit_count += 1
        counters.row_count += sum(job.row_count for job in jobs)
        counters.commit_seconds += seconds
        counters.longest_commit = max(counters.longest_commit, seconds)

    def _roll_back(self) -> None:
        self._ring.rolled_back()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as err:
            self._note_failure(err)
            self._connection.close()
            self._connection = self._database.connect_writer()

    def _is_disk_failure(self, err: Exception) -> bool:
        if is_full(err, self._database.folder) or is_damage(err):
            return True
        return isinstance(err, OSError) or primary_code(err) in _DISK_CODES

    def _note_failure(self, err: Exception) -> None:
        counters = self._counters
        counters.last_error = str(storage_error(err, self._database.folder))
        log.error("writing failed error=%s", err)
        if is_damage(err):
            counters.is_damaged = True
        if is_full(err, self._database.folder) and not self._reserve.is_released:
            log.error("the disk is full, the reserve is released path=%s", self._reserve.path)
            self._reserve.release()
            counters.is_full = True

    def _fail_one(self, job: Job, err: Exception) -> None:
        if self._is_disk_failure(err):
            self._note_failure(err)
        # What a function of somebody else's raised is that somebody's; SQLite's is ours to explain.
        is_ours = isinstance(err, sqlite3.Error | OSError)
        self._fail([job], storage_error(err, self._database.folder) if is_ours else err)

    def _fail(self, jobs: Sequence[Job], error: Exception) -> None:
        for job in jobs:
            # One object raised by many would gather all their tracebacks.
            job.error = error if len(jobs) == 1 else type(error)(str(error))
        self._counters.failed_batch_count += len(jobs)
        self._counters.last_error = str(error)

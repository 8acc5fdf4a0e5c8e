"""Keeping the history within its age and its bytes, and giving the disk back while running."""

import asyncio
import datetime as dt
import logging
import sqlite3
import time
from functools import partial

from attrs import frozen

from hub.clock import Clock
from hub.storage.pace import TARGET_SECONDS
from hub.storage.purge import Cutoff, Sweep, candidates, oldest
from hub.storage.readers import Readers
from hub.storage.schema import Progress
from hub.storage.writer import Writer
from hub.storage.writes import HOUR_US

log = logging.getLogger(__name__)

_STEPS = 64  # into how many spans of time the history is cut when bytes are the bound
_WORTH_IT = 10_000  # readings, of which the pages must show
_MOST_PAGES = 500  # moved by one slice
_SLACK_PAGES = 256  # left free in the file, for what comes next


def _silent(_what: str, _done: int, _total: int) -> None:
    """Report nothing."""


@frozen
class Purged:
    """What a run took away: readings, bytes of the file, and since when it is complete.

    ``cutoff`` is in microseconds: everything received before it is gone. None: nothing was due.
    """

    row_count: int
    freed_bytes: int
    cutoff: int | None


class Retention:
    """Takes away the oldest readings by reception, in slices that hold nobody up.

    *keep* bounds the age and *max_bytes* the bytes in use in the file; None is no bound. Roll-ups
    stay. Deleted pages go back to the file system in slices too, so that no second copy of the
    history is ever needed.
    """

    def __init__(
        self,
        writer: Writer,
        readers: Readers,
        clock: Clock,
        *,
        keep: dt.timedelta | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self.keep = keep
        self.max_bytes = max_bytes
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._lock = asyncio.Lock()

    async def run(self, progress: Progress = _silent) -> Purged:
        """Take away what is due and shrink the file; a second call waits for the first.

        Raises:
            StorageError: the database could not be read or written.
        """
        async with self._lock:
            now = self._clock.now_us()
            before, _ = await self._readers.run(_pages)
            row_count, cutoff = 0, None
            if self.keep is not None:
                cutoff = now - self.keep // dt.timedelta(microseconds=1)
                row_count += await self._sweep(Cutoff(cutoff, now), progress)
            by_size, reached = await self._by_size(now, progress)
            await self._shrink(progress)
            after, _ = await self._readers.run(_pages)
            size = await self._readers.run(_page_size)
            return Purged(row_count + by_size, max(0, before - after) * size, reached or cutoff)

    async def purged_until(self) -> int | None:
        """Return the moment before which everything received is gone, None if nothing ever went."""
        query = "SELECT value FROM meta WHERE key = 'purged_until'"
        row = await self._readers.run(lambda c: c.execute(query).fetchone())
        return None if row is None else int(row[0])

    async def used_bytes(self) -> int:
        """Return how many bytes of the file are in use."""
        total, free = await self._readers.run(_pages)
        return (total - free) * await self._readers.run(_page_size)

    async def _by_size(self, now: int, progress: Progress) -> tuple[int, int | None]:
        """Move the cutoff forward until the bytes in use fit."""
        if self.max_bytes is None or await self.used_bytes() <= self.max_bytes:
            return 0, None
        # A little below the bound, or the next readings would start another run.
        target = self.max_bytes - self.max_bytes // 50
        start = await self._readers.run(oldest)
        if start is None:
            return 0, None
        step = max(HOUR_US, (now - start) // _STEPS)
        cutoff, row_count = start, 0
        used = await self.used_bytes()
        while cutoff < now - HOUR_US and used > target:
            cutoff = min(cutoff + step, now - HOUR_US)
            count = await self._sweep(Cutoff(cutoff, now), progress)
            row_count += count
            before, used = used, await self.used_bytes()
            if count > _WORTH_IT and used >= before:
                # Readings so sparse that their roll-ups take as much: going on would empty the
                # history and not make the file any smaller.
                log.warning("the history does not get smaller bytes=%d bound=%d", used, target)
                break
        return row_count, cutoff

    async def _sweep(self, cutoff: Cutoff, progress: Progress) -> int:
        series = await self._readers.run(lambda connection: candidates(connection, cutoff))
        sweep = Sweep(series, cutoff)
        while not sweep.is_done:
            progress("deleting old readings", sweep.place, len(series))
            done = await self._writer.run_slice(sweep.run_slice)
            sweep.advance(done.value)
        await self._writer.run_slice(lambda connection: _note(connection, cutoff.received))
        return sweep.row_count

    async def _shrink(self, progress: Progress) -> None:
        """Give free pages back, a slice at a time."""
        _, free = await self._readers.run(_pages)
        slack = 0 if self._writer.counters.is_full else _SLACK_PAGES
        first = free
        while free > slack:
            progress("shrinking the database", first - free, first - slack)
            done = await self._writer.run_slice(partial(_vacuum, slack), page_count=2 * _MOST_PAGES)
            if done.value >= free:
                break
            free = done.value
        await self._writer.checkpoint()


def _pages(connection: sqlite3.Connection) -> tuple[int, int]:
    total = connection.execute("PRAGMA page_count").fetchone()[0]
    return int(total), int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def _page_size(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA page_size").fetchone()[0])


def _note(connection: sqlite3.Connection, cutoff: int) -> None:
    connection.execute(
        "INSERT INTO meta VALUES ('purged_until', ?)"
        " ON CONFLICT(key) DO UPDATE SET value = max(value, excluded.value)",
        (cutoff,),
    )


def _vacuum(slack: int, connection: sqlite3.Connection) -> int:
    """Give pages back for 20 ms, down to *slack*; return how many are still free."""
    end = time.perf_counter() + TARGET_SECONDS
    free = _pages(connection)[1]
    for _ in range(min(free - slack, _MOST_PAGES)):
        # The statement frees one page per step, and Python takes one step of it.
        connection.execute("PRAGMA incremental_vacuum(1)")
        if time.perf_counter() >= end:
            break
    return _pages(connection)[1]

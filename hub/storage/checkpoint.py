"""Moving what the write-ahead log holds into the database file, at a moment of our choosing."""

import sqlite3
import time

from hub.storage.counters import WriterCounters

_SMALLEST, _LARGEST = 250, 2000  # pages
_SLOW, _QUICK = 0.012, 0.005  # seconds


class Checkpointer:
    """Keeps the write-ahead log short without anybody waiting for it.

    SQLite does not tell how many pages the log holds unless it is asked to move them, so the
    number is estimated from the rows written, with a ratio that each checkpoint corrects. The
    log's bound follows the disk: a checkpoint that took long makes the next one come earlier.
    """

    def __init__(self, counters: WriterCounters) -> None:
        self._counters = counters
        self._pages_per_change = 1.0
        self._bound = 1000
        self._changes = 0
        self._commits = 0
        self._extra_pages = 0

    def note(self, changes: int, pages: int = 0) -> None:
        """Count a commit that changed so many rows, or moved so many pages."""
        self._changes += changes
        self._commits += 1
        self._extra_pages += pages

    @property
    def is_due(self) -> bool:
        """Whether the log has probably reached its bound."""
        return self._estimate() >= self._bound

    @property
    def is_needed(self) -> bool:
        """Whether anything was written since the last one."""
        return self._commits > 0

    def run(self, connection: sqlite3.Connection, *, is_emptying: bool = False) -> None:
        """Move the pages; blocks for a file sync and a write per page.

        With *is_emptying* the log's file is cut to nothing as well, if no reader needs it.
        """
        started = time.perf_counter()
        how = "TRUNCATE" if is_emptying else "PASSIVE"
        row = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
        seconds = time.perf_counter() - started
        frames = max(0, int(row[1]))
        self._learn(frames)
        if seconds > _SLOW:
            self._bound = max(_SMALLEST, self._bound // 2)
        elif seconds < _QUICK:
            self._bound = min(_LARGEST, self._bound * 2)
        counters = self._counters
        counters.checkpoint_count += 1
        counters.checkpoint_seconds += seconds
        counters.longest_checkpoint = max(counters.longest_checkpoint, seconds)
        counters.wal_pages = frames
        counters.longest_wal = max(counters.longest_wal, frames)

    def _estimate(self) -> float:
        return self._changes * self._pages_per_change + self._commits + self._extra_pages

    def _learn(self, frames: int) -> None:
        if self._changes:
            pages = max(0, frames - self._commits - self._extra_pages)
            seen = max(0.05, min(4.0, pages / self._changes))
            self._pages_per_change = (self._pages_per_change + seen) / 2
        self._changes = self._commits = self._extra_pages = 0

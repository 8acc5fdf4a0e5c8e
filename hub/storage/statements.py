"""Statements that carry many rows at once.

Each step of SQLite gives the interpreter's lock away and takes it back, and beside a busy event
loop that may take the interpreter's whole switch interval, a thousand times what a row costs. So
rows go in by the thousand, and the rest in powers of two, of which the compiled statements are few
and stay cached.
"""

import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

LARGEST = 1024
Tick = Callable[[], None]


class Insert:
    """An INSERT for any number of rows.

    *head* is the text up to VALUES; *row* the placeholders of one row.
    """

    __slots__ = ("_texts",)

    def __init__(self, head: str, row: str) -> None:
        # The same str object each time keeps its hash, by which sqlite3 finds what is compiled.
        sizes = [1 << power for power in range(LARGEST.bit_length())]
        self._texts = {size: f"{head} VALUES {','.join([row] * size)}" for size in sizes}

    def run(
        self, connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]], tick: Tick
    ) -> None:
        """Insert *rows*, calling *tick* after each statement."""
        start, left, size = 0, len(rows), LARGEST
        while left:
            while size > left:
                size >>= 1
            part = rows[start : start + size]
            connection.execute(self._texts[size], list(chain.from_iterable(part)))
            tick()
            start += size
            left -= size


READINGS = Insert("INSERT INTO readings", "(?,?,?,?,?,?,?)")
READINGS_REPLACE = Insert("INSERT OR REPLACE INTO readings", "(?,?,?,?,?,?,?)")
DIRTY = Insert("INSERT OR IGNORE INTO dirty", "(?,?)")
LATEST = Insert("INSERT OR REPLACE INTO latest", "(?,?,?,?,?,?)")
# The body arrives as bytes; JSON functions want text, and this way Python need not decode it.
RECORDS = Insert("INSERT OR REPLACE INTO records", "(?,?,CAST(? AS TEXT))")

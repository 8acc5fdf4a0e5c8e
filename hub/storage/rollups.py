"""Hourly and daily roll-ups that stay exact when readings come late and outlive them.

A row has two halves. The live one (n, sum, min, max) is computed from the readings that are
there; the base (base_n, …) is what retention took away, added once when it did. What is shown is
both together.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

from hub.clock import Clock
from hub.storage.aggregates import DAY_OF_HOURS, HALF
from hub.storage.pace import Pace
from hub.storage.readers import Readers
from hub.storage.writer import Writer
from hub.storage.writes import HOUR_US

Pair = tuple[int, int]
"""``(series, hour number)``."""
OPEN_HOUR_US = 300_000_000
"""How often an hour that has not ended is computed."""
_LARGEST = 128


def _forget(_pairs: Sequence[Pair]) -> None:
    """Remember no marks."""


class Rollups:
    """Computes the roll-ups of hours that were marked as dirty, in slices.

    ``on_taken`` is called on the loop with the pairs of a slice right before its transaction is
    handed over. Whoever leaves out marks that it has made before must forget those pairs there: its
    marks up to that moment are committed before the slice, and later ones after it.
    """

    def __init__(self, writer: Writer, readers: Readers, clock: Clock) -> None:
        self.on_taken: Callable[[Sequence[Pair]], None] = _forget
        self.pair_count = 0
        self.longest_slice = 0.0  # seconds
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._pace = Pace(16, smallest=1, largest=_LARGEST)
        self._after: Pair = (-(1 << 63), 0)
        self._before_hour: int | None = None  # None between two rounds
        self._opened_at: int | None = None

    async def run(self) -> int:
        """Compute all that is due; return how many hours that were."""
        before = self.pair_count
        while await self.run_slice():
            pass
        return self.pair_count - before

    async def run_slice(self) -> bool:
        """Compute some of what is due; tell whether there may be more."""
        if self._before_hour is None:
            self._begin_round()
        pairs = await self._pick()
        if not pairs:
            self._before_hour = None
            return False
        self._after = pairs[-1]
        await self._writer.turn()
        # From here to the handing over nothing may be awaited. The slice takes its place among the
        # batches and does not wait for an idle moment like other background work: a batch that
        # overtook it would have its marks removed, and whoever made them would not know.
        self.on_taken(pairs)
        seconds = await self._writer.run(partial(_compute_timed, pairs), is_patient=True)
        self._pace.note(seconds)
        self.longest_slice = max(self.longest_slice, seconds)
        self.pair_count += len(pairs)
        return True

    def _begin_round(self) -> None:
        now = self._clock.now_us()
        self._after = (-(1 << 63), 0)
        self._before_hour = now // HOUR_US
        if self._opened_at is None or now - self._opened_at >= OPEN_HOUR_US:
            self._opened_at = now
            self._before_hour = 1 << 62

    async def _pick(self) -> list[Pair]:
        parameters = (*self._after, self._before_hour, self._pace.size)
        query = (
            "SELECT series, hour FROM dirty WHERE (series, hour) > (?, ?) AND hour < ?"
            " ORDER BY series, hour LIMIT ?"
        )
        return await self._readers.run(lambda c: c.execute(query, parameters).fetchall())


def _compute_timed(pairs: Sequence[Pair], connection: sqlite3.Connection) -> float:
    started = time.perf_counter()
    compute(connection, pairs)
    return time.perf_counter() - started


def compute(connection: sqlite3.Connection, pairs: Sequence[Pair]) -> None:
    """Compute the live half of at most 128 hours anew, then their days, and unmark them."""
    values = _values(len(pairs))
    flat = list(chain.from_iterable(pairs))
    connection.execute(_HOURS.format(values=values), flat)
    days = sorted({(series, hour // 24) for series, hour in pairs})
    connection.execute(_DAYS.format(values=_values(len(days))), list(chain.from_iterable(days)))
    connection.execute(_UNMARK.format(values=values), flat)


def _values(count: int) -> str:
    return ",".join(["(?,?)"] * count)


# Readings whose time is suspect belong to no hour.
_HOURS = f"""
WITH wanted(series, hour) AS (VALUES {{values}})
INSERT INTO rollup_hour(series, start, n, sum, min, max)
SELECT wanted.series, wanted.hour, {HALF}
FROM wanted LEFT JOIN readings ON readings.series = wanted.series
    AND readings.at >= wanted.hour * {HOUR_US} AND readings.at < (wanted.hour + 1) * {HOUR_US}
    AND readings.flags & 1 = 0
WHERE true GROUP BY wanted.series, wanted.hour
ON CONFLICT(series, start) DO UPDATE SET
    n = excluded.n, sum = excluded.sum, min = excluded.min, max = excluded.max
"""  # noqa: S608 - numbers of ours and placeholders

_DAYS = f"""
WITH wanted(series, day) AS (VALUES {{values}})
INSERT OR REPLACE INTO rollup_day
SELECT wanted.series, wanted.day, {DAY_OF_HOURS}
FROM wanted CROSS JOIN rollup_hour ON rollup_hour.series = wanted.series
    AND start >= wanted.day * 24 AND start < (wanted.day + 1) * 24
GROUP BY wanted.series, wanted.day
"""  # noqa: S608

# With the values right behind IN the whole table would be walked for every slice.
_UNMARK = """
WITH wanted(series, hour) AS (VALUES {values})
DELETE FROM dirty WHERE (series, hour) IN (SELECT series, hour FROM wanted)
"""

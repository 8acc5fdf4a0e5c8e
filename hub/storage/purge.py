"""Taking readings away without taking them out of the roll-ups."""

import sqlite3
import time
from collections.abc import Callable

from attrs import define, frozen

from hub.storage.aggregates import BASE_ADDED, DAY_OF_HOURS, HALF
from hub.storage.pace import TARGET_SECONDS
from hub.storage.writes import HOUR_US

AHEAD_US = 600_000_000
"""A reading further ahead of its reception than this has a suspect time (decided at ingest)."""


@frozen
class Cutoff:
    """Everything received before ``received`` goes; ``now`` tells which times lie in the future."""

    received: int
    now: int


def candidates(connection: sqlite3.Connection, cutoff: Cutoff) -> list[int]:
    """Return the series that have readings to take away; one seek or two for each series."""
    return [
        row[0]
        for row in connection.execute(
            _CANDIDATES,
            {
                "cutoff": cutoff.received,
                "edge": cutoff.received + AHEAD_US,
                "future": max(cutoff.now, cutoff.received) + AHEAD_US,
            },
        )
    ]


def oldest(connection: sqlite3.Connection) -> int | None:
    """Return the time of the oldest reading of all, None if there is none."""
    row = connection.execute(_OLDEST).fetchone()
    return None if row is None or row[0] is None else int(row[0])


@define
class Sweep:
    """One walk over *series*, in slices that end after 20 ms.

    ``row_count`` grows with what was taken away; ``is_done`` is true at the end of the walk.
    ``rows`` is how many readings one statement looks at.
    """

    series: list[int]
    cutoff: Cutoff
    rows: int = 500
    place: int = 0
    row_count: int = 0
    _at: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether all series were visited."""
        return self.place >= len(self.series)

    def run_slice(
        self, connection: sqlite3.Connection, clock: Callable[[], float] = time.perf_counter
    ) -> tuple[int, int, int | None]:
        """Take away some readings; return what `advance` wants once that is committed."""
        end = clock() + TARGET_SECONDS
        place, at, removed = self.place, self._at, 0
        while place < len(self.series):
            count, at = self._chunk(connection, self.series[place], at)
            removed += count
            if at is None:
                place += 1
            if clock() >= end:
                break
        return removed, place, at

    def advance(self, step: tuple[int, int, int | None]) -> None:
        """Go on behind a slice that was committed."""
        removed, self.place, self._at = step
        self.row_count += removed

    def _chunk(
        self, connection: sqlite3.Connection, series: int, start: int | None
    ) -> tuple[int, int | None]:
        """Clear the next readings of *series*; return how many, and where to go on."""
        low = -(1 << 63) if start is None else start
        edge = self.cutoff.received + AHEAD_US
        if low < edge:
            row = connection.execute(_BOUND, (series, low, edge, self.rows)).fetchone()
            high, following = (edge, edge) if row is None else (row[0], row[0])
            if high == low:  # more readings of one moment than fit: take all of that moment
                high = following = low + 1
        else:  # what lies in the future by its own clock
            low = max(self.cutoff.now, self.cutoff.received) + AHEAD_US
            high, following = (1 << 63) - 1, None
        return _clear(connection, series, low, high, self.cutoff.received), following


def _clear(connection: sqlite3.Connection, series: int, low: int, high: int, cutoff: int) -> int:
    span = (series, low, high, cutoff)
    first, last = connection.execute(_EDGES, span).fetchone()
    if first is None:
        return 0
    connection.execute(_TO_BASE, span)
    removed = connection.execute(_DELETE, span).rowcount
    if last >= 0:  # nothing before 1970 is rolled up
        hours = (series, max(0, first) // HOUR_US, last // HOUR_US)
        connection.execute(_LIVE, hours)
        connection.execute(_DAYS, hours)
    return removed


_SERIES = """
WITH RECURSIVE known(series) AS (
    SELECT min(series) FROM readings
    UNION ALL
    SELECT (SELECT min(series) FROM readings WHERE series > known.series) FROM known
    WHERE known.series NOT NULL)
"""
_CANDIDATES = f"""{_SERIES}
SELECT series FROM known WHERE series NOT NULL AND (
    EXISTS (SELECT 1 FROM readings WHERE series = known.series AND at < :edge
        AND at + lag < :cutoff)
    OR EXISTS (SELECT 1 FROM readings WHERE series = known.series AND at >= :future
        AND at + lag < :cutoff))
"""  # noqa: S608
_OLDEST = f"""{_SERIES}
SELECT min((SELECT min(at) FROM readings WHERE series = known.series)) FROM known
WHERE series NOT NULL
"""  # noqa: S608
_BOUND = """
SELECT at FROM readings WHERE series = ? AND at >= ? AND at < ? ORDER BY at LIMIT 1 OFFSET ?
"""
_WHERE = "series = ? AND at >= ? AND at < ? AND at + lag < ?"
_EDGES = f"SELECT min(at), max(at) FROM readings WHERE {_WHERE}"  # noqa: S608
_DELETE = f"DELETE FROM readings WHERE {_WHERE}"  # noqa: S608
_TO_BASE = f"""
INSERT INTO rollup_hour(series, start, n, base_n, base_sum, base_min, base_max)
SELECT series, at / {HOUR_US} AS hour, 0, {HALF}
FROM readings WHERE {_WHERE} AND flags & 1 = 0 AND num NOT NULL GROUP BY hour
ON CONFLICT(series, start) DO UPDATE SET {BASE_ADDED}
"""  # noqa: S608
_LIVE = f"""
UPDATE rollup_hour SET (n, sum, min, max) = (
    SELECT {HALF} FROM readings
    WHERE readings.series = rollup_hour.series AND at >= rollup_hour.start * {HOUR_US}
        AND at < (rollup_hour.start + 1) * {HOUR_US} AND flags & 1 = 0)
WHERE series = ? AND start >= ? AND start <= ?
"""  # noqa: S608
_DAYS = f"""
INSERT OR REPLACE INTO rollup_day
SELECT series, start / 24 AS day, {DAY_OF_HOURS}
FROM rollup_hour WHERE series = ?1 AND start >= ?2 / 24 * 24 AND start < (?3 / 24 + 1) * 24
GROUP BY day
"""  # noqa: S608

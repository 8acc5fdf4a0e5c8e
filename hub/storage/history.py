"""Reading what is stored of a series: rows, single values, buckets."""

import sqlite3
from typing import Any

from hub.storage.aggregates import SHOWN
from hub.storage.readers import Readers
from hub.storage.rows import Bucket, Row
from hub.storage.values import decode
from hub.storage.writes import DAY_US, HOUR_US, LatestRow

MAX_ROWS = 10_000
MAX_BUCKETS = 20_000
_FIRST, _LAST = -(1 << 63), (1 << 63) - 1


class History:
    """Queries on the stored readings; all times are microseconds since 1970, UTC.

    A span holds its start and not its end. A gap is a row whose value is None.
    """

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def rows(
        self,
        series: int,
        start: int = _FIRST,
        end: int = _LAST,
        *,
        limit: int = 1000,
        after: tuple[int, int] | None = None,
        is_descending: bool = False,
    ) -> list[Row]:
        """Return at most *limit* rows of a span, in the order of their time.

        *after* is the ``(at, seq)`` of the last row of the page before, in the same direction.

        Raises:
            ValueError: *limit* is not between 1 and `MAX_ROWS`.
        """
        if not 1 <= limit <= MAX_ROWS:
            raise ValueError(f"limit: expected 1 to {MAX_ROWS}, got {limit}")
        order, sign = ("DESC", "<") if is_descending else ("ASC", ">")
        edge = after or ((_LAST, _LAST) if is_descending else (_FIRST, -1))
        query = (
            "SELECT at, seq, num, raw, lag, flags FROM readings"  # noqa: S608 - fixed words
            f" WHERE series = ? AND at >= ? AND at < ? AND (at, seq) {sign} (?, ?)"
            f" ORDER BY at {order}, seq {order} LIMIT ?"
        )
        # The index serves one range only: the edge narrows the span as well.
        low = start if is_descending else max(start, edge[0])
        high = min(end, edge[0] + 1) if is_descending and edge[0] < _LAST else end
        found = await self._readers.run(
            lambda c: c.execute(query, (series, low, high, *edge, limit)).fetchall()
        )
        return [_row(row) for row in found]

    async def at_or_before(self, series: int, moment: int) -> Row | None:
        """Return the newest row that is not after *moment*, gaps included, suspect ones not."""
        query = (
            "SELECT at, seq, num, raw, lag, flags FROM readings WHERE series = ? AND at <= ?"
            " AND flags & 1 = 0 ORDER BY at DESC, seq DESC LIMIT 1"
        )
        found = await self._readers.run(lambda c: c.execute(query, (series, moment)).fetchone())
        return None if found is None else _row(found)

    async def buckets(self, series: int, start: int, end: int, width: int) -> list[Bucket]:
        """Return minimum, mean and maximum per *width* of a span, without the empty ones.

        Buckets count from *start*. Where the readings are gone by retention their hour's roll-up
        stands for them, in the bucket that holds the start of the hour. Text, gaps and readings
        with a suspect time do not count.

        Raises:
            ValueError: *width* is not positive, or there would be more than `MAX_BUCKETS`.
        """
        if width <= 0 or (end - start) // width > MAX_BUCKETS:
            raise ValueError(f"width: expected a span of at most {MAX_BUCKETS} buckets")
        found = await self._readers.run(
            lambda c: c.execute(
                _BUCKETS,
                {
                    "series": series,
                    "start": start,
                    "end": end,
                    "width": width,
                    "first_hour": start // HOUR_US,
                },
            ).fetchall()
        )
        return [
            Bucket(start + place * width, count, low, mean, high)
            for place, count, low, mean, high in found
        ]

    async def rollups(self, series: int, start: int, end: int, *, is_daily: bool) -> list[Bucket]:
        """Return the hourly or daily roll-ups that begin in a span; they outlive the readings."""
        table, unit = ("rollup_day", DAY_US) if is_daily else ("rollup_hour", HOUR_US)
        query = (
            f"SELECT start * {unit}, {SHOWN} FROM {table}"  # noqa: S608 - fixed words
            " WHERE series = ? AND start >= ? AND start < ? AND n + base_n > 0 ORDER BY start"
        )
        span = (series, -(-start // unit), -(-end // unit))
        found = await self._readers.run(lambda c: c.execute(query, span).fetchall())
        return [Bucket(*row) for row in found]

    async def count(self, series: int, start: int = _FIRST, end: int = _LAST) -> int:
        """Return how many rows a span holds."""
        query = "SELECT count(*) FROM readings WHERE series = ? AND at >= ? AND at < ?"
        found = await self._readers.run(lambda c: c.execute(query, (series, start, end)).fetchone())
        return int(found[0])

    async def size_per_series(self) -> dict[int, int]:
        """Return how many rows each series has; reads the whole history."""
        query = "SELECT series, count(*) FROM readings GROUP BY series"
        return dict(await self._readers.run(lambda c: c.execute(query).fetchall()))

    async def latest(self) -> list[LatestRow]:
        """Return the last value that was saved of every series."""
        return await self._readers.run(_latest)


def _latest(connection: sqlite3.Connection) -> list[LatestRow]:
    query = "SELECT series, at, num, raw, changed_at, lag FROM latest ORDER BY series"
    return connection.execute(query).fetchall()


def _row(row: tuple[Any, ...]) -> Row:
    at, seq, num, raw, lag, flags = row
    return Row(at, seq, decode(num, raw), at + lag, bool(flags & 1))


_BUCKETS = f"""
SELECT place, sum(n), min(low), total(amount) / sum(n), max(high) FROM (
    SELECT (at - :start) / :width AS place, count(num) AS n, total(num) AS amount,
        min(num) AS low, max(num) AS high
    FROM readings
    WHERE series = :series AND at >= :start AND at < :end AND flags & 1 = 0 AND num NOT NULL
    GROUP BY place
    UNION ALL
    SELECT (max(start * {HOUR_US}, :start) - :start) / :width, base_n, base_sum,
        coalesce(base_min, base_sum), coalesce(base_max, base_sum)
    FROM rollup_hour
    WHERE series = :series AND start >= :first_hour AND start * {HOUR_US} < :end AND base_n > 0)
GROUP BY place ORDER BY place
"""  # noqa: S608 - a number of ours

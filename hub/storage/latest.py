"""The last value of each series at start, made good after an unclean stop."""

import sqlite3

from hub.storage.writes import LatestRow

# The table is a checkpoint: the readings that came after it are the truth. Suspect ones never move
# a state, so they are left out.
_NEWER = """
SELECT readings.series, readings.at, readings.num, readings.raw, readings.lag
FROM latest CROSS JOIN readings ON readings.series = latest.series AND readings.at > latest.at
WHERE readings.flags & 1 = 0 ORDER BY readings.series, readings.at, readings.seq
"""
# A second value for the same moment, of which the last seq counts.
_SAME_MOMENT = """
SELECT readings.series, readings.at, readings.num, readings.raw, readings.lag
FROM latest CROSS JOIN readings ON readings.series = latest.series AND readings.at = latest.at
WHERE (readings.num IS NOT latest.num OR readings.raw IS NOT latest.raw)
    AND readings.flags & 1 = 0
    AND NOT EXISTS (SELECT 1 FROM readings AS later WHERE later.series = readings.series
        AND later.at = readings.at AND later.seq > readings.seq)
"""
# Series by series with one seek each, instead of a walk over all readings.
_UNKNOWN = """
WITH RECURSIVE known(series) AS (
    SELECT min(series) FROM readings
    UNION ALL
    SELECT (SELECT min(series) FROM readings WHERE series > known.series) FROM known
    WHERE known.series NOT NULL)
SELECT series FROM known WHERE series NOT NULL
    AND NOT EXISTS (SELECT 1 FROM latest WHERE latest.series = known.series)
"""
_RECENT = """
SELECT at, num, raw, lag FROM readings WHERE series = ? AND flags & 1 = 0
ORDER BY at DESC, seq DESC LIMIT 100
"""


def load_latest(connection: sqlite3.Connection, *, is_repaired: bool) -> list[LatestRow]:
    """Return the last value of each series, sorted by series.

    With *is_repaired* the readings stored after the table was saved last are taken into account,
    also for series that it does not know yet; ``changed_at`` of those is looked for among their
    last hundred readings.
    """
    rows: list[LatestRow] = connection.execute(
        "SELECT series, at, num, raw, changed_at, lag FROM latest ORDER BY series"
    ).fetchall()
    if not is_repaired:
        return rows
    known = {row[0]: row for row in rows}
    for query in (_SAME_MOMENT, _NEWER):
        for series, at, num, raw, lag in connection.execute(query):
            before = known[series]
            is_same = before[2] == num and before[3] == raw
            known[series] = (series, at, num, raw, before[4] if is_same else at, lag)
    for (series,) in connection.execute(_UNKNOWN).fetchall():
        row = _last_of(connection, series)
        if row is not None:
            known[series] = row
    return [known[series] for series in sorted(known)]


def _last_of(connection: sqlite3.Connection, series: int) -> LatestRow | None:
    recent = connection.execute(_RECENT, (series,)).fetchall()
    if not recent:
        return None
    at, num, raw, lag = recent[0]
    changed_at = at
    for row in recent:
        if row[1] != num or row[2] != raw:
            break
        changed_at = row[0]
    return series, at, num, raw, changed_at, lag

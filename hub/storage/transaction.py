"""What a group of batches does inside one transaction: records, readings, quarantine."""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Protocol

from hub.storage.statements import (
    DIRTY,
    LARGEST,
    READINGS,
    READINGS_REPLACE,
    RECORDS,
    Tick,
)
from hub.storage.writes import (
    DUPLICATE,
    NEW,
    REPLACED,
    QuarantineItem,
    ReadingRow,
    RecordRow,
    WriteBatch,
    WriteResult,
)

_NOTHING_TO_TELL = WriteResult()
_SERIES = itemgetter(0)


class Keeper(Protocol):
    """Puts messages into the quarantine, inside the transaction that is open."""

    def keep(
        self, connection: sqlite3.Connection, items: Sequence[QuarantineItem], tick: Tick
    ) -> tuple[int, ...]:
        """Store *items*; return their ids."""
        ...


def store(
    connection: sqlite3.Connection, batches: Sequence[WriteBatch], keeper: Keeper, tick: Tick
) -> list[WriteResult]:
    """Write *batches* in order; return what became of each.

    Raises:
        sqlite3.IntegrityError: a fresh row exists already; `store_carefully` copes with that.
    """
    _store_records(connection, chain.from_iterable([b.records for b in batches]), tick)
    fresh = list(chain.from_iterable([batch.fresh for batch in batches]))
    # Neighbours in the tree one after the other: a quarter less time for a few hundred rows. The
    # rest of a row is no part of the order, for its values do not compare with each other.
    fresh.sort(key=_SERIES)
    READINGS.run(connection, fresh, tick)
    results = [
        _store_rest(connection, batch, keeper, tick)
        if batch.checked or batch.quarantined
        else _NOTHING_TO_TELL
        for batch in batches
    ]
    DIRTY.run(connection, list(chain.from_iterable([b.dirty for b in batches])), tick)
    return results


def store_carefully(
    connection: sqlite3.Connection, batch: WriteBatch, keeper: Keeper, tick: Tick
) -> WriteResult:
    """Write one batch without trusting that its fresh rows are new."""
    _store_records(connection, batch.records, tick)
    fresh = decide(connection, batch.fresh, batch.keep_both, tick)
    result = _store_rest(connection, batch, keeper, tick)
    DIRTY.run(connection, batch.dirty, tick)
    return WriteResult(result.outcomes, result.quarantine_ids, fresh if any(fresh) else None)


def _store_rest(
    connection: sqlite3.Connection, batch: WriteBatch, keeper: Keeper, tick: Tick
) -> WriteResult:
    outcomes = decide(connection, batch.checked, batch.keep_both, tick)
    ids = keeper.keep(connection, batch.quarantined, tick) if batch.quarantined else ()
    return WriteResult(outcomes, ids)


def _store_records(
    connection: sqlite3.Connection, records: Iterable[RecordRow], tick: Tick
) -> None:
    puts: list[tuple[Any, ...]] = []
    for row in records:
        if row[2] is not None:
            puts.append(row)
            continue
        RECORDS.run(connection, puts, tick)
        puts = []
        connection.execute("DELETE FROM records WHERE kind = ? AND key = ?", row[:2])
        tick()
    RECORDS.run(connection, puts, tick)


def decide(
    connection: sqlite3.Connection,
    rows: Sequence[ReadingRow],
    keep_both: set[int],
    tick: Tick,
) -> bytes:
    """Store what is new among *rows* or replaces another value; return the outcome of each."""
    outcomes = bytearray()
    slice_: list[ReadingRow] = []
    seen: set[tuple[int, int]] = set()
    for row in rows:
        key = row[:2]
        if len(slice_) == LARGEST or key in seen:  # the second of a pair must see the first
            outcomes += _decide_slice(connection, slice_, keep_both, tick)
            slice_, seen = [], set()
        slice_.append(row)
        seen.add(key)
    if slice_:
        outcomes += _decide_slice(connection, slice_, keep_both, tick)
    return bytes(outcomes)


def _decide_slice(
    connection: sqlite3.Connection,
    rows: list[ReadingRow],
    keep_both: set[int],
    tick: Tick,
) -> bytearray:
    """Decide up to `LARGEST` rows with keys of their own."""
    outcomes = bytearray(len(rows))
    wanted = rows
    found = _find(connection, rows)
    tick()
    if found:
        wanted = []
        for place, row in enumerate(rows):
            stored = found.get(place)
            if stored is None:
                wanted.append(row)
            elif any(is_same for _seq, is_same in stored):
                outcomes[place] = DUPLICATE
            elif row[0] in keep_both:
                outcomes[place] = NEW
                seq = 1 + max(seq for seq, _ in stored)
                wanted.append((row[0], row[1], seq, row[3], row[4], row[5], row[6]))
            else:
                outcomes[place] = REPLACED
                wanted.append(row)
    insert = READINGS_REPLACE if found else READINGS
    insert.run(connection, wanted, tick)
    return outcomes


def _find(
    connection: sqlite3.Connection, rows: list[ReadingRow]
) -> dict[int, list[tuple[int, bool]]]:
    """Return ``{place: [(seq, has the same value), ...]}`` of the rows that are stored already.

    SQLite compares the values and packs the answer into one text of integers, because a step per
    row would be a fight for the interpreter's lock per row.
    """
    size = 1 << (len(rows) - 1).bit_length()
    parameters: list[Any] = []
    for row in rows:
        parameters += (row[0], row[1], row[3], row[4])
    parameters += (None,) * (4 * (size - len(rows)))  # a NULL key matches nothing
    packed = connection.execute(_FIND[size], parameters).fetchone()[0]
    found: dict[int, list[tuple[int, bool]]] = {}
    if packed is not None:
        numbers = iter(map(int, packed.split(",")))
        for place, seq, is_same in zip(numbers, numbers, numbers, strict=True):
            found.setdefault(place, []).append((seq, is_same == 1))
    return found


def _find_text(count: int) -> str:
    values = ",".join(f"({place},?,?,?,?)" for place in range(count))
    return f"""WITH wanted(place, series, at, num, raw) AS (VALUES {values})
        SELECT group_concat(
            place || ',' || seq || ',' || (stored.num IS wanted.num AND stored.raw IS wanted.raw))
        FROM wanted CROSS JOIN readings AS stored
        ON stored.series = wanted.series AND stored.at = wanted.at"""  # noqa: S608


_FIND = {1 << power: _find_text(1 << power) for power in range(LARGEST.bit_length())}

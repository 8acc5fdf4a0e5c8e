"""Copying what can still be read from a damaged database into a fresh one."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub.storage.schema import Progress

Salvaged = dict[str, int]
Row = tuple[Any, ...]

# Table, and the columns of its key, which tell where to go on behind a damaged page.
_TABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("records", ("kind", "key")),
    ("latest", ("series",)),
    ("rollup_day", ("series", "start")),
    ("rollup_hour", ("series", "start")),
    ("dirty", ("series", "hour")),
    ("quarantine", ("id",)),
    ("readings", ("series", "at", "seq")),
)
_CHUNK = 1000
_MAX_JUMP_COUNT = 10_000


def salvage(damaged: Path, fresh: sqlite3.Connection, progress: Progress) -> Salvaged:
    """Copy every row that can be reached from *damaged* into *fresh*; count them per table.

    The damaged file is opened read-only and stays as it is.
    """
    counts: Salvaged = {}
    old = sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        for done, (table, key) in enumerate(_TABLES):
            progress(f"rescuing {table}", done, len(_TABLES))
            counts[table] = _copy(old, fresh, table, key)
    finally:
        old.close()
    return counts


def _copy(
    old: sqlite3.Connection, fresh: sqlite3.Connection, table: str, key: tuple[str, ...]
) -> int:
    try:
        columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
        wanted = [row[1] for row in fresh.execute(f"PRAGMA table_info({table})")]
    except sqlite3.DatabaseError:
        return 0
    shared = [name for name in columns if name in wanted]
    if not set(key) <= set(shared):
        return 0
    marks = ",".join("?" * len(shared))
    insert = f"INSERT OR IGNORE INTO {table}({','.join(shared)}) VALUES ({marks})"  # noqa: S608
    before = fresh.total_changes
    for rows in _readable(old, table, shared, key):
        fresh.execute("BEGIN")
        fresh.executemany(insert, rows)
        fresh.execute("COMMIT")
    return fresh.total_changes - before


def _readable(
    old: sqlite3.Connection, table: str, columns: list[str], key: tuple[str, ...]
) -> Iterator[list[Row]]:
    """Yield the rows from both ends, and between them wherever a later series can be reached."""
    places = [columns.index(name) for name in key]
    names, marks = ",".join(key), ",".join("?" * len(key))
    head = f"SELECT {','.join(columns)} FROM {table}"  # noqa: S608 - names of our own schema
    forward = f"{head} WHERE ({names}) > ({marks}) ORDER BY {names} LIMIT {_CHUNK}"
    backward = (
        f"{head} WHERE ({names}) < ({marks}) "
        f"ORDER BY {','.join(f'{name} DESC' for name in key)} LIMIT {_CHUNK}"
    )
    last: Row = tuple("" if name in {"kind", "key"} else -(1 << 63) for name in key)
    first: Row = tuple("\U0010ffff" if name in {"kind", "key"} else (1 << 63) - 1 for name in key)
    jump, jump_count = 1, 0
    while jump_count < _MAX_JUMP_COUNT:
        rows, is_broken = _fetch(old, forward, last)
        if rows:
            yield rows
            last, jump = tuple(rows[-1][place] for place in places), 1
        if not is_broken and not rows:
            return
        if is_broken:
            if not isinstance(last[0], int) or last[0] + jump >= 1 << 63:
                break
            last = (last[0] + jump, *[-(1 << 63)] * (len(key) - 1))
            jump, jump_count = jump * 2, jump_count + 1
    while True:
        rows, is_broken = _fetch(old, backward, first)
        if rows:
            yield rows
            first = tuple(rows[-1][place] for place in places)
        if is_broken or not rows:
            return


def _fetch(old: sqlite3.Connection, query: str, edge: Row) -> tuple[list[Row], bool]:
    """Return what one query gave until its end or the first damaged page, and which it was."""
    rows: list[Row] = []
    try:
        rows.extend(old.execute(query, edge))  # what came before the error stays in the list
    except sqlite3.DatabaseError:
        return rows, True
    return rows, False

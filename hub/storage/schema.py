"""The tables of the database file, and the numbered steps that lead to them."""

import sqlite3
from collections.abc import Callable, Sequence

from hub.errors import NewerSchema

APPLICATION_ID = 0x66686231
"""Marks the file as ours in SQLite's header: "fhb1"."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""
Migration = Callable[[sqlite3.Connection, Progress], None]

# Columns that hold values have no type on purpose: SQLite then keeps 7 an integer, 7.0 a float and
# "7" a text, instead of turning one into the other. lag is what was received minus at, which takes
# three bytes where a second moment would take eight. In the roll-ups start is the number of the
# hour or day since 1970 for the same reason, and a half that counts one reading leaves out min and
# max, for sum says it: else a sensor's roll-ups could grow larger than its readings.
_FIRST = (
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    """CREATE TABLE readings(
        series INTEGER, at INTEGER, seq INTEGER, num, raw, lag INTEGER, flags INTEGER,
        PRIMARY KEY(series, at, seq)) WITHOUT ROWID""",
    """CREATE TABLE latest(
        series INTEGER PRIMARY KEY, at INTEGER, num, raw, changed_at INTEGER, lag INTEGER)""",
    """CREATE TABLE rollup_hour(
        series INTEGER, start INTEGER, n INTEGER, sum, min, max,
        base_n INTEGER NOT NULL DEFAULT 0, base_sum, base_min, base_max,
        PRIMARY KEY(series, start)) WITHOUT ROWID""",
    """CREATE TABLE rollup_day(
        series INTEGER, start INTEGER, n INTEGER, sum, min, max,
        base_n INTEGER NOT NULL DEFAULT 0, base_sum, base_min, base_max,
        PRIMARY KEY(series, start)) WITHOUT ROWID""",
    "CREATE TABLE dirty(series INTEGER, hour INTEGER, PRIMARY KEY(series, hour)) WITHOUT ROWID",
    """CREATE TABLE records(
        kind TEXT, key TEXT, body TEXT, PRIMARY KEY(kind, key)) WITHOUT ROWID""",
    """CREATE TABLE quarantine(
        id INTEGER PRIMARY KEY AUTOINCREMENT, received INTEGER, plugin TEXT, source TEXT,
        reason TEXT, route TEXT, part TEXT, headers TEXT, size INTEGER, body BLOB, file TEXT)""",
)


def _create(connection: sqlite3.Connection, progress: Progress) -> None:
    for done, statement in enumerate(_FIRST):
        progress("creating the database", done, len(_FIRST))
        connection.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (_create,)


def migrate(
    connection: sqlite3.Connection,
    progress: Progress,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> int:
    """Bring the file to the newest version; return the version it had (0: it was empty).

    Each step is one transaction together with its number, so that a power cut leaves a file of
    one version or the next.

    Raises:
        NewerSchema: the file's version is higher than the number of steps known here.
    """
    before = int(connection.execute("PRAGMA user_version").fetchone()[0])
    refuse_newer(before, len(migrations))
    for number, step in enumerate(migrations[before:], start=before + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            step(connection, progress)
            # A pragma takes no parameters; both are integers of ours.
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    return before


def refuse_newer(version: int, known: int) -> None:
    """Raise `NewerSchema` if *version* is above *known*."""
    if version > known:
        raise NewerSchema(
            f"the database has version {version}, this hub knows versions up to {known}: "
            "install the newer hub again, or restore a backup made with this one"
        )

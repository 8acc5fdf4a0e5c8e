"""A consistent copy of the database while the hub goes on writing it."""

import sqlite3
import struct
import time
from pathlib import Path

from hub.errors import StorageError
from hub.storage.database import storage_error
from hub.storage.schema import Progress

# 4 MiB at the usual page size: a slice takes some milliseconds, and the pause after it leaves
# disk and processor to those who wait for an acknowledgement.
_SLICE_PAGES = 1024
_PAUSE_SECONDS = 0.002


def copy_database(source: Path, target: Path, progress: Progress) -> None:
    """Copy the database *source* as it is now into the new file *target*; blocks.

    It reads within one transaction, so writers go on beside it and the copy shows one moment. The
    copy carries the mark of an unclean stop, so whoever opens it checks it and brings the last
    values up to date.

    Raises:
        StorageError: The database can't be read, or the copy can't be written.
    """

    def told(_status: int, remaining: int, total: int) -> None:
        progress("copying the database", total - remaining, total)
        time.sleep(_PAUSE_SECONDS)

    try:
        reader = sqlite3.connect(
            f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None
        )
        writer = sqlite3.connect(target, isolation_level=None)
        try:
            # Without the open transaction, each commit of the hub would start the copy anew.
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM meta").fetchone()
            writer.execute("PRAGMA synchronous = OFF")
            reader.backup(writer, pages=_SLICE_PAGES, progress=told)
            writer.execute("PRAGMA journal_mode = DELETE")  # all of it in one file
            writer.execute("UPDATE meta SET value = 0 WHERE key = 'is_clean'")
        finally:
            writer.close()
            reader.close()
    except (sqlite3.Error, OSError) as err:
        raise storage_error(err, target.parent) from err


def schema_of_database(path: Path) -> int:
    """Return the schema version in the header of a database file, 0 if it is not there or empty.

    Raises:
        StorageError: It can't be read, or is no database.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return 0
    except OSError as err:
        raise StorageError(f"{path} can't be read: {err.strerror}") from err
    if not header:
        return 0
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise StorageError(f"{path} is no database")
    # Offset 60: user version (sqlite.org/fileformat2.html).
    return int(struct.unpack_from(">I", header, 60)[0])

"""The database file: opening it safely, its connections, and what was found on the way."""

import os
import sqlite3
import struct
import threading
from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from hub.clock import Clock
from hub.errors import HubError, StorageBusy, StorageError, StorageFull
from hub.storage.salvage import Salvaged, salvage
from hub.storage.schema import (
    APPLICATION_ID,
    MIGRATIONS,
    Migration,
    Progress,
    migrate,
    refuse_newer,
)

FILE_NAME = "fieldhub.db"
_DAMAGED_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SMALL_TABLES = ("meta", "records", "latest", "dirty", "quarantine", "rollup_day")


def _silent(_what: str, _done: int, _total: int) -> None:
    """Report nothing."""


@frozen(kw_only=True)
class OpenReport:
    """What opening the database found.

    ``problem`` is a sentence for the user, or None. ``damaged`` is where a damaged file was put,
    ``salvaged`` how many rows of which table could be read from it.
    """

    was_unclean: bool = False
    migrated_from: int | None = None
    problem: str | None = None
    damaged: Path | None = None
    salvaged: dict[str, int] = field(factory=dict)


class Database:
    """The one SQLite file of a data folder.

    *synchronous* is ``full`` (an acknowledged write survives a power cut) or ``normal`` (it
    survives a crash of the hub only). *check_seconds* bounds the check after an unclean stop.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        synchronous: str = "full",
        check_seconds: float = 2.0,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self.is_damaged = False
        self._clock = clock
        self._synchronous = {"full": "FULL", "normal": "NORMAL"}[synchronous]
        self._check_seconds = check_seconds
        self._migrations = migrations

    def open(self, progress: Progress = _silent) -> OpenReport:
        """Make the file ready for use; blocks, and must run before any connection is made.

        Raises:
            NewerSchema: a newer hub wrote the file; nothing was changed.
            StorageError: the file is not ours, cannot be opened, or cannot be written.
        """
        try:
            return self._open(progress)
        except (sqlite3.Error, OSError) as err:
            raise storage_error(err, self.folder) from err

    def _open(self, progress: Progress) -> OpenReport:
        problem = self._missing()
        if problem is None and self.path.exists():
            try:
                self._look()
            except sqlite3.DatabaseError as err:
                if not is_damage(err):
                    raise
                return self._recover(f"{err}", progress)
        self.path.touch(mode=0o600)
        try:
            was_unclean, before = self._prepare(progress)
        except sqlite3.DatabaseError as err:
            if not is_damage(err):
                raise
            return self._recover(f"{err}", progress)
        return OpenReport(
            was_unclean=was_unclean,
            migrated_from=before if 0 < before < len(self._migrations) else None,
            problem=problem,
        )

    def _missing(self) -> str | None:
        # The reserve is written after the database: alone, it tells that there was one.
        has_file = self.path.exists() and self.path.stat().st_size > 0
        if has_file or Path(f"{self.path}-wal").exists():
            return None
        if not (self.folder / "reserve.bin").exists():
            return None
        return f"{self.path} was missing or empty, a new database was started: restore a backup"

    def _look(self) -> None:
        """Refuse a file that is not ours or too new without changing a byte on disk."""
        with self.path.open("rb") as file:
            header = file.read(100)
        # Offsets 60 and 68: user version and application id (sqlite.org/fileformat2.html).
        if len(header) == 100 and header.startswith(b"SQLite format 3\0"):
            self._refuse(*struct.unpack_from(">I4xI", header, 60))
        if Path(f"{self.path}-wal").exists():  # after a crash the newest header may be in there
            connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)
            try:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                self._refuse(version, connection.execute("PRAGMA application_id").fetchone()[0])
            finally:
                connection.close()

    def _refuse(self, version: int, application: int) -> None:
        if application not in {APPLICATION_ID, 0} or (version and not application):
            raise StorageError(
                f"{self.path} is the database of another program: move it away or choose "
                "another folder"
            )
        refuse_newer(version, len(self._migrations))

    def _prepare(self, progress: Progress) -> tuple[bool, int]:
        """Migrate, check after an unclean stop, and note that the hub now runs."""
        connection = self.connect_writer()
        try:
            before = migrate(connection, progress, self._migrations)
            row = connection.execute("SELECT value FROM meta WHERE key = 'is_clean'").fetchone()
            was_unclean = before > 0 and (row is None or row[0] != 1)
            if was_unclean:
                progress("checking the database", 0, 1)
                self._check(connection)
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('is_clean', 0)")
        finally:
            connection.close()
        return was_unclean, before

    def _check(self, connection: sqlite3.Connection) -> None:
        """Look for damage, small tables first, as far as the time allows."""
        timer = threading.Timer(self._check_seconds, connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            for table in (*_SMALL_TABLES, None):
                argument = "1" if table is None else table
                rows = connection.execute(f"PRAGMA quick_check({argument})").fetchall()
                if rows != [("ok",)]:
                    error = sqlite3.DatabaseError(rows[0][0])
                    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                    raise error
        except sqlite3.OperationalError as err:
            if err.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
        finally:
            timer.cancel()
            timer.join()

    def _recover(self, why: str, progress: Progress) -> OpenReport:
        """Put the damaged file aside and copy what can be read into a new one."""
        stamp = self._clock.now().strftime("%Y%m%dT%H%M%S")
        aside = self.path.with_name(f"{FILE_NAME}.damaged-{stamp}")
        count = 1
        while aside.exists():
            count += 1
            aside = self.path.with_name(f"{FILE_NAME}.damaged-{stamp}-{count}")
        self.path.rename(aside)
        for suffix in ("-wal", "-shm"):  # SQLite finds them under the new name
            part = Path(f"{self.path}{suffix}")
            if part.exists():
                part.rename(f"{aside}{suffix}")
        self.path.touch(mode=0o600)
        self._prepare(progress)
        connection = self.connect_writer()
        try:
            found: Salvaged = salvage(aside, connection, progress)
        finally:
            connection.close()
        kept = sum(found.values())
        return OpenReport(
            was_unclean=True,
            damaged=aside,
            salvaged=found,
            problem=(
                f"the database was damaged ({why}): it was kept as {aside.name}, and {kept} rows "
                "that could be read were copied into a new one"
            ),
        )

    def connect_writer(self) -> sqlite3.Connection:
        """Return a connection that may write, in autocommit mode, for any one thread at a time."""
        connection = self._connect()
        if connection.execute("PRAGMA page_count").fetchone() == (0,):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # later it would be a write
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA journal_size_limit = 33554432")
        # Some builds overwrite what they delete, which doubles the cost of retention.
        connection.execute("PRAGMA secure_delete = OFF")
        return connection

    def connect_reader(self) -> sqlite3.Connection:
        """Return a connection that cannot write."""
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cache_size = -8192")
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            timeout=5.0,
        )
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection


def is_damage(err: BaseException) -> bool:
    """Tell whether *err* says that the file's content is broken."""
    return primary_code(err) in _DAMAGED_CODES


def primary_code(err: BaseException) -> int:
    """Return SQLite's primary result code of *err*, 0 if it has none."""
    return int(getattr(err, "sqlite_errorcode", 0) or 0) & 0xFF


def storage_error(err: BaseException, folder: Path) -> HubError:
    """Turn what SQLite or the system raised into the hub's own error, with what to do."""
    if isinstance(err, HubError):
        return err
    if is_full(err, folder):
        return StorageFull(f"no space left on the disk of {folder}: free some space")
    if primary_code(err) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StorageBusy(f"the database in {folder} is used by another program: try again later")
    if is_damage(err):
        return StorageError(f"the database in {folder} is damaged ({err}): restart the hub")
    return StorageError(f"the database in {folder} failed: {err}")


def is_full(err: BaseException, folder: Path) -> bool:
    """Tell whether *err* comes from a disk without space."""
    if primary_code(err) == sqlite3.SQLITE_FULL:
        return True
    if isinstance(err, OSError):
        return err.errno in {28, 122}  # ENOSPC, EDQUOT
    if primary_code(err) in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
        # The shared-memory file that cannot grow is reported as a plain I/O error.
        disk = os.statvfs(folder)
        return disk.f_bavail * disk.f_frsize < 128 * 1024
    return False

import json
import os
import sqlite3
import stat

import pytest

from hub.errors import NewerSchema, StorageBusy, StorageError, StorageFull
from hub.storage.database import Database, storage_error
from hub.storage.schema import APPLICATION_ID, MIGRATIONS
from hub.storage.store import Store

AT = 1_772_000_000_000_000


def content(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


async def filled(folder, clock, make, *, rows=5000):
    store = Store(folder, clock)
    await store.open()
    await store.writer.submit(make(*[(n % 10, AT + n, 0, n, None, 5, 0) for n in range(rows)]))
    for n in range(200):
        await store.records.put("device", f"d{n}", json.dumps({"n": n}).encode())
    await store.writer.submit_latest([(n, AT, 1.5, None, AT, 0) for n in range(10)])
    return store


def kill(store, folder, copy):
    """Copy the files as a power cut would leave them."""
    for path in folder.iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())


def damage(path, first, last, step=1):
    size = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for page in range(int(size * first), int(size * last), step):
            file.seek(page * 4096)
            file.write(os.urandom(4096))


async def test_a_new_database_is_private_and_shrinks_by_itself(store, tmp_path):
    assert stat.S_IMODE((tmp_path / "fieldhub.db").stat().st_mode) == 0o600
    for pragma, value in {
        "auto_vacuum": 2,
        "journal_mode": "wal",
        "application_id": APPLICATION_ID,
        "user_version": len(MIGRATIONS),
    }.items():
        query = f"PRAGMA {pragma}"
        got = await store.readers.run(lambda c, q=query: c.execute(q).fetchone()[0])
        assert got == value, pragma
    assert store.report.problem is None
    assert not store.report.was_unclean


@pytest.mark.parametrize(("word", "level"), [("full", 2), ("normal", 1)])
def test_the_writer_syncs_as_it_was_told(tmp_path, clock, word, level):
    database = Database(tmp_path, clock, synchronous=word)
    database.open()
    connection = database.connect_writer()
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == level
    assert connection.execute("PRAGMA wal_autocheckpoint").fetchone()[0] == 0
    connection.close()


def test_a_reader_cannot_write(tmp_path, clock):
    database = Database(tmp_path, clock)
    database.open()
    connection = database.connect_reader()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("INSERT INTO meta VALUES ('a', 1)")
    connection.close()


def test_a_newer_file_is_left_untouched(tmp_path, clock):
    Database(tmp_path, clock, migrations=[*MIGRATIONS, lambda _c, _p: None]).open()
    before = content(tmp_path)

    with pytest.raises(NewerSchema, match=f"version {len(MIGRATIONS) + 1}.*newer hub"):
        Database(tmp_path, clock).open()

    assert content(tmp_path) == before


def test_a_newer_file_with_a_log_is_left_untouched(tmp_path, clock):
    newer = tmp_path / "newer"
    crashed = tmp_path / "crashed"
    newer.mkdir()
    crashed.mkdir()
    Database(newer, clock).open()
    other = sqlite3.connect(newer / "fieldhub.db", isolation_level=None)
    other.execute("PRAGMA user_version = 99")
    kill(None, newer, crashed)
    other.close()
    before = content(crashed)
    assert "fieldhub.db-wal" in before

    with pytest.raises(NewerSchema):
        Database(crashed, clock).open()
    assert content(crashed)["fieldhub.db"] == before["fieldhub.db"]
    assert content(crashed)["fieldhub.db-wal"] == before["fieldhub.db-wal"]


@pytest.mark.parametrize("pragma", ["application_id = 77", "user_version = 1"])
def test_the_database_of_another_program_is_left_untouched(tmp_path, clock, pragma):
    other = sqlite3.connect(tmp_path / "fieldhub.db")
    other.execute(f"PRAGMA {pragma}")
    other.execute("CREATE TABLE mine(x)")
    other.commit()
    other.close()
    before = content(tmp_path)

    with pytest.raises(StorageError, match="another program"):
        Database(tmp_path, clock).open()
    assert content(tmp_path) == before


def test_migrations_run_once_each_and_report_progress(tmp_path, clock):
    Database(tmp_path, clock).open()
    seen = []

    def add_column(connection, progress):
        progress("adding", 0, 1)
        connection.execute("ALTER TABLE latest ADD COLUMN extra")

    steps = [*MIGRATIONS, add_column]
    report = Database(tmp_path, clock, migrations=steps).open(lambda *step: seen.append(step))
    assert report.migrated_from == len(MIGRATIONS)
    assert ("adding", 0, 1) in seen

    report = Database(tmp_path, clock, migrations=steps).open()
    assert report.migrated_from is None


def test_a_migration_that_fails_leaves_the_old_version(tmp_path, clock):
    Database(tmp_path, clock).open()

    def broken(connection, _progress):
        connection.execute("DROP TABLE latest")
        connection.execute("SELECT * FROM no_such_table")

    with pytest.raises(StorageError, match="no_such_table"):
        Database(tmp_path, clock, migrations=[*MIGRATIONS, broken]).open()
    database = Database(tmp_path, clock)
    database.open()
    connection = database.connect_reader()
    assert connection.execute("SELECT count(*) FROM latest").fetchone() == (0,)
    connection.close()


async def test_an_unclean_stop_is_noticed_and_nothing_is_lost(tmp_path, clock, fresh_batch):
    alive, dead = tmp_path / "alive", tmp_path / "dead"
    alive.mkdir()
    dead.mkdir()
    store = await filled(alive, clock, fresh_batch)
    kill(store, alive, dead)
    await store.close()

    again = Store(dead, clock)
    report = await again.open()
    assert report.was_unclean
    assert report.problem is None
    assert sum((await again.history.size_per_series()).values()) == 5000
    await again.close()


async def test_the_check_of_a_large_file_ends_in_time(tmp_path, clock, fresh_batch):
    alive, dead = tmp_path / "alive", tmp_path / "dead"
    alive.mkdir()
    dead.mkdir()
    store = await filled(alive, clock, fresh_batch, rows=60_000)
    kill(store, alive, dead)
    await store.close()

    report = Database(dead, clock, check_seconds=0.0).open()
    assert report.was_unclean
    assert report.damaged is None


async def test_a_damaged_file_is_set_aside_and_what_can_be_read_is_kept(
    tmp_path, clock, fresh_batch
):
    store = await filled(tmp_path, clock, fresh_batch, rows=20_000)
    await store.close()
    path = tmp_path / "fieldhub.db"
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = 0 WHERE key = 'is_clean'")
    connection.commit()
    connection.close()
    damage(path, 0.6, 0.62)
    before = path.read_bytes()

    again = Store(tmp_path, clock)
    report = await again.open()
    try:
        assert report.damaged == tmp_path / "fieldhub.db.damaged-20260301T123000"
        assert report.damaged.read_bytes() == before
        assert "was damaged" in report.problem
        kept = sum((await again.history.size_per_series()).values())
        assert kept == report.salvaged["readings"]
        assert kept > 15_000
        assert len(await again.records.all("device")) == 200
        await again.writer.submit(fresh_batch((99, AT, 0, 1, None, 5, 0)))
    finally:
        await again.close()


@pytest.mark.parametrize("first", [b"this is no database, it only looks like a file" * 100, None])
async def test_a_file_that_is_no_database_is_set_aside(tmp_path, clock, fresh_batch, first):
    path = tmp_path / "fieldhub.db"
    if first is None:
        store = await filled(tmp_path, clock, fresh_batch)
        await store.close()
        damage(path, 0, 0.9)
    else:
        path.write_bytes(first)
    before = path.read_bytes()
    (tmp_path / "fieldhub.db.damaged-20260301T123000").write_bytes(b"from before")

    report = Database(tmp_path, clock).open()
    assert report.damaged.name == "fieldhub.db.damaged-20260301T123000-2"
    assert report.damaged.read_bytes() == before
    assert "restore" in report.problem or "damaged" in report.problem


async def test_a_damaged_schema_is_found(tmp_path, clock, fresh_batch):
    store = await filled(tmp_path, clock, fresh_batch)
    await store.close()
    path = tmp_path / "fieldhub.db"
    with path.open("r+b") as file:  # the header stays, the rest of page 1 does not
        file.seek(100)
        file.write(b"\xff" * 3996)

    report = Database(tmp_path, clock).open()
    assert report.damaged is not None


def test_a_database_that_has_gone_is_noticed(tmp_path, clock):
    (tmp_path / "reserve.bin").write_bytes(b"x")
    (tmp_path / "fieldhub.db").write_bytes(b"")

    assert "missing or empty" in Database(tmp_path, clock).open().problem


def test_a_folder_that_cannot_be_used_is_explained(tmp_path, clock):
    with pytest.raises(StorageError, match="fieldhub"):
        Database(tmp_path / "fieldhub-missing", clock).open()


async def test_damage_met_while_running_leads_to_a_check_at_the_next_start(
    tmp_path, clock, fresh_batch, row
):
    store = Store(tmp_path, clock)
    await store.open()

    def broken(_place):
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    store.writer.fault = broken
    with pytest.raises(StorageError, match="damaged"):
        await store.writer.submit(fresh_batch(row(1, AT, 1)))
    store.writer.fault = None
    await store.close()
    assert store.writer.counters.is_damaged

    again = Store(tmp_path, clock)
    report = await again.open()
    assert report.was_unclean
    assert report.damaged is None
    await again.close()


async def test_series_behind_damaged_pages_are_reached(tmp_path, clock, fresh_batch):
    store = Store(tmp_path, clock)
    await store.open()
    rows = [(n // 300, AT + n % 300, 0, n * 0.5, None, 50_000, 0) for n in range(30_000)]
    await store.writer.submit(fresh_batch(*rows))
    await store.close()
    path = tmp_path / "fieldhub.db"
    connection = sqlite3.connect(path)
    pages = connection.execute(
        "SELECT pageno FROM dbstat WHERE name = 'readings' AND pagetype = 'leaf' ORDER BY path"
    ).fetchall()
    connection.execute("UPDATE meta SET value = 0 WHERE key = 'is_clean'")
    connection.commit()
    connection.close()
    with path.open("r+b") as file:
        for (page,) in pages[20::60]:
            file.seek((page - 1) * 4096)
            file.write(b"\xee" * 4096)

    again = Store(tmp_path, clock)
    report = await again.open()
    kept = await again.history.size_per_series()
    await again.close()
    assert report.damaged is not None
    assert len(pages[20::60]) >= 3
    # Of a damaged page's series the rest is lost at most, and all others are whole.
    assert sum(count == 300 for count in kept.values()) > 85
    assert sum(kept.values()) > 0.9 * len(rows)


async def test_a_table_that_cannot_be_read_at_all_costs_only_itself(tmp_path, clock, fresh_batch):
    store = await filled(tmp_path, clock, fresh_batch)
    await store.close()
    path = tmp_path / "fieldhub.db"
    connection = sqlite3.connect(path)
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'records'"
    ).fetchone()
    connection.execute("UPDATE meta SET value = 0 WHERE key = 'is_clean'")
    connection.commit()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xee" * 4096)

    again = Store(tmp_path, clock)
    report = await again.open()
    assert report.salvaged["records"] == 0
    assert sum((await again.history.size_per_series()).values()) == 5000
    await again.close()


def test_a_damaged_file_with_a_log_is_found_before_anything_is_written(tmp_path, clock):
    Database(tmp_path, clock).open()
    path = tmp_path / "fieldhub.db"
    path.write_bytes(b"no database" * 1000)
    (tmp_path / "fieldhub.db-wal").write_bytes(b"no log either")

    report = Database(tmp_path, clock).open()
    assert report.damaged.read_bytes() == b"no database" * 1000


def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path, clock):
    (tmp_path / "fieldhub.db").mkdir()
    with pytest.raises(StorageError):
        Database(tmp_path, clock).open()
    assert {p.name for p in tmp_path.iterdir()} == {"fieldhub.db"}


def test_errors_say_what_to_do(tmp_path):
    def error(code):
        err = sqlite3.OperationalError("something")
        err.sqlite_errorcode = code
        return storage_error(err, tmp_path)

    assert isinstance(error(sqlite3.SQLITE_FULL), StorageFull)
    assert isinstance(storage_error(OSError(28, "full"), tmp_path), StorageFull)
    assert "restart the hub" in str(error(sqlite3.SQLITE_CORRUPT))
    assert "failed: something" in str(error(sqlite3.SQLITE_IOERR))
    assert isinstance(error(sqlite3.SQLITE_BUSY), StorageBusy)
    mine = StorageError("mine")
    assert storage_error(mine, tmp_path) is mine

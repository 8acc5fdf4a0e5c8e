"""Backups: made while the hub writes, checked before use, restored whole or not at all."""

import contextlib
import threading
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.backup import (
    Backup,
    finish_replacement,
    manifest,
    replacement,
    restore_archive,
    write_archive,
)
from hub.backup.contents import owned_files
from hub.backup.manifest import is_safe
from hub.clock import SystemClock
from hub.errors import HubError, NewerSchema, StorageFull
from hub.storage.documents import Documents
from hub.storage.store import Store
from hub.storage.versions import check_versions, known_versions, versions_in
from hub.storage.writes import WriteBatch
from tests.backup.conftest import row, silent


async def contents_of(folder):
    store = Store(folder, SystemClock())
    await store.open()
    documents = await Documents.open(folder)
    try:
        count = await store.readers.run(
            lambda c: c.execute("SELECT count(*) FROM readings").fetchone()[0]
        )
        entry, body = await store.quarantine.take(1)
        return count, documents.table("users").all(), entry.reason, body, documents.problems
    finally:
        await documents.close()
        await store.close()


async def test_everything_comes_back(archive, tmp_path):
    folder = tmp_path / "fresh"
    folder.mkdir()

    done = restore_archive(archive, folder, silent)

    assert archive.stat().st_mode & 0o777 == 0o600
    assert done.file_count == 6
    count, users, reason, body, problems = await contents_of(folder)
    assert (count, users, reason, problems) == (2000, {"ann": {"name": "ann"}}, "z", [])
    assert body == b"q" * (2 << 20)
    assert (folder / "hub.yaml").read_text() == "name: Home\n"
    assert (folder / "more" / "a.yaml").exists()
    assert (folder / "cert.pem").read_text() == "certificate"
    assert not (folder / ".git").exists()
    assert not (folder / "old.tar.gz").exists()
    assert not (folder / replacement.STAGE).exists()


async def test_a_backup_shows_one_moment_while_the_hub_goes_on_writing(source, tmp_path):
    folder, store, documents = source
    snapshot = await documents.snapshot()
    ended = threading.Event()

    def work():
        backup = Backup(folder=folder, documents=snapshot, created="x", version="1")
        write_archive(backup, tmp_path / "busy.tar.gz", silent)
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    at = 10_000
    while not ended.is_set():
        batch = WriteBatch()
        batch.fresh += [row(2, at + n) for n in range(100)]
        await store.writer.submit(batch)
        at += 100
    thread.join()
    (tmp_path / "fresh").mkdir()

    restore_archive(tmp_path / "busy.tar.gz", tmp_path / "fresh", silent)

    count, *_ = await contents_of(tmp_path / "fresh")
    assert count >= 2000
    assert count % 100 == 0
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


async def test_a_file_that_is_there_is_only_replaced_on_request(source, archive):
    folder, _, documents = source
    backup = Backup(folder=folder, documents=await documents.snapshot(), created="x", version="1")

    with pytest.raises(HubError, match="exists already"):
        write_archive(backup, archive, silent)
    write_archive(backup, archive, silent, is_replacing=True)


async def test_a_folder_that_holds_a_hub_is_only_replaced_on_request(archive, tmp_path):
    folder = tmp_path / "used"
    (folder / "quarantine").mkdir(parents=True)
    for name in ("hub.yaml", "extra.yaml", "fieldhub.db-wal", "documents.journal", "photo.jpg"):
        (folder / name).write_text("old")
    (folder / "quarantine" / "old").write_text("old")

    with pytest.raises(HubError, match="there is a hub already"):
        restore_archive(archive, folder, silent)
    assert (folder / "hub.yaml").read_text() == "old"
    restore_archive(archive, folder, silent, is_replacing=True)

    count, users, *_ = await contents_of(folder)
    assert (count, list(users)) == (2000, ["ann"])
    assert (folder / "photo.jpg").exists()
    assert not (folder / "extra.yaml").exists()
    assert not (folder / "quarantine" / "old").exists()


async def test_a_restore_that_is_cut_short_is_finished_later(archive, tmp_path, monkeypatch):
    folder = tmp_path / "used"
    folder.mkdir()
    (folder / "hub.yaml").write_text("old")
    (folder / "extra.yaml").write_text("old")

    class PowerCut(BaseException):
        pass

    moves = 0
    original = replacement.Path.replace

    def cut(self, target):
        nonlocal moves
        moves += "moves.json" not in self.name
        if moves == limit:
            raise PowerCut
        return original(self, target)

    begin = partial(restore_archive, archive, folder, silent, is_replacing=True)
    monkeypatch.setattr(replacement.Path, "replace", cut)
    for turn in range(7):  # cut before the first move, then after one more each time
        moves, limit = 0, min(turn, 1) + 1
        with pytest.raises(PowerCut):
            begin() if turn == 0 else finish_replacement(folder)
    monkeypatch.undo()

    assert finish_replacement(folder)
    assert not finish_replacement(folder)
    count, *_ = await contents_of(folder)
    assert count == 2000
    assert (folder / "hub.yaml").read_text() == "name: Home\n"
    assert not (folder / "extra.yaml").exists()


async def test_damaged_moves_are_explained(tmp_path):
    (tmp_path / replacement.STAGE).mkdir()
    (tmp_path / replacement.STAGE / "moves.json").write_text("{")

    with pytest.raises(HubError, match="is damaged: remove"):
        finish_replacement(tmp_path)


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "x").write_text("hello")
    (tmp_path / "fresh").mkdir()

    with pytest.raises(HubError, match="the backup is damaged"):
        restore_archive(tmp_path / "x", tmp_path / "fresh", silent)


async def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    archive, tmp_path, monkeypatch
):
    folder = tmp_path / "fresh"
    folder.mkdir()
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)

    with pytest.raises(StorageFull, match="are free"):
        restore_archive(archive, folder, silent)

    assert list(folder.iterdir()) == []


async def test_a_backup_that_fails_leaves_nothing(source, tmp_path):
    folder, _, documents = source
    snapshot = await documents.snapshot()

    def stop(what, _done, _total):
        if what == "packing":
            raise StorageFull("no space")

    with pytest.raises(StorageFull):
        write_archive(
            Backup(folder=folder, documents=snapshot, created="x", version="1"),
            tmp_path / "b.tar.gz", stop,
        )  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


async def test_versions_are_read_without_a_change(source, tmp_path):
    folder, _, _ = source
    known = known_versions()

    assert versions_in(folder) == known
    assert versions_in(tmp_path).database == 0
    check_versions(known, "x")
    (tmp_path / "fieldhub.db").write_text("no database at all")
    assert versions_in(tmp_path).database == 0
    with pytest.raises(NewerSchema):
        check_versions(type(known)(database=known.database + 1, documents=1), "x")


@given(st.text(max_size=50))
@settings(max_examples=200)
def test_a_safe_name_stays_in_its_folder(name):
    if is_safe(name):
        assert not name.startswith("/")
        assert ".." not in name.split("/")
        assert "\0" not in name


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_any_manifest_is_read_or_refused(data):
    with contextlib.suppress(HubError):
        manifest.decode(data, "x")


def test_the_files_of_a_hub_are_known(tmp_path):
    (tmp_path / "hub.lock").touch()
    (tmp_path / "hub.yaml").touch()

    assert owned_files(tmp_path) == ["hub.yaml"]

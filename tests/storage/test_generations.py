"""The files of the documents: compaction that may stop anywhere, damage, migrations."""

import contextlib
import os
import shutil
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import NewerSchema, StorageError
from hub.storage import generations
from hub.storage.generations import Generations
from hub.storage.journal import Change

STAMP = "20240131T120000Z"


def open_files(folder, migrations=()):
    return Generations.open(folder, migrations, STAMP)


def put(files, key, number):
    files.append([Change("users", key, b'{"number":%d}' % number)])


def fill(folder, changes=12, compact_at=(4, 8)):
    """Write *changes* with compactions after some; return what the store then holds."""
    files, damage = open_files(folder)
    assert damage == []
    for number in range(1, changes + 1):
        put(files, f"u{number % 5}", number)
        if number in compact_at:
            files.compact()
    files.close()
    return files.bodies


def contents(folder, migrations=()):
    files, damage = open_files(folder, migrations)
    files.close()
    return files.bodies, [item.message for item in damage]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= 0x20
    path.write_bytes(data)
    return bytes(data)


def test_compaction_keeps_the_generation_before(tmp_path):
    bodies = fill(tmp_path)

    assert names(tmp_path) == [
        "documents.journal",
        "documents.journal.1",
        "documents.json",
        "documents.json.1",
    ]
    assert contents(tmp_path) == (bodies, [])


def test_the_journal_is_compacted_when_it_has_outgrown_the_snapshot(tmp_path, monkeypatch):
    monkeypatch.setattr(generations, "SLACK_BYTES", 1000)
    files, _ = open_files(tmp_path)
    compaction_count = 0
    for number in range(400):
        put(files, f"u{number % 50}", number)
        if files.is_compaction_due:
            files.compact()
            compaction_count += 1
            assert not files.is_compaction_due
    files.close()

    assert 5 < compaction_count < 40
    assert (tmp_path / "documents.journal").stat().st_size < 6000


STEPS = range(10)


def interrupt_at(step, monkeypatch):
    """Let the *step*-th rename, sync or removal from here on fail, and all after it."""
    calls = iter(range(1000))

    def guarded(original):
        def call(*args, **kwargs):
            if next(calls) >= step:
                raise OSError(5, "Input/output error")
            return original(*args, **kwargs)

        return call

    monkeypatch.setattr(Path, "replace", guarded(Path.replace))
    monkeypatch.setattr(os, "fsync", guarded(os.fsync))


@pytest.mark.parametrize("compact_at", [(), (4,), (4, 8)])
@pytest.mark.parametrize("step", STEPS)
def test_compaction_may_stop_between_any_two_steps(tmp_path, monkeypatch, step, compact_at):
    bodies = fill(tmp_path, compact_at=compact_at)
    files, _ = open_files(tmp_path)
    with monkeypatch.context() as patch:
        interrupt_at(step, patch)
        files.compact()
    crashed = tmp_path.with_name(f"{tmp_path.name}-crashed")
    shutil.copytree(tmp_path, crashed)

    assert contents(crashed) == (bodies, [])
    assert contents(crashed) == (bodies, [])

    # Without a crash the same store goes on, and the next compaction works.
    put(files, "more", 99)
    assert contents_of_copy(tmp_path, "more") == (files.bodies, [])
    files.compact()
    put(files, "even more", 100)
    files.close()
    assert contents_of_copy(tmp_path, "end") == (files.bodies, [])

    # And its older generation is good as well.
    flip(tmp_path / "documents.json", 30)
    recovered, problems = contents(tmp_path)
    assert recovered == files.bodies
    assert "all documents were recovered" in problems[0]


def contents_of_copy(folder, name):
    copied = folder.with_name(f"{folder.name}-{name}")
    shutil.copytree(folder, copied)
    return contents(copied)


def test_nothing_is_accepted_before_the_new_journal_has_its_name_on_disk(tmp_path, monkeypatch):
    files, _ = open_files(tmp_path)
    put(files, "a", 1)
    sync, folder_syncs = os.fsync, iter([True, False, False])

    def sync_files_and_one_folder(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode) and not next(folder_syncs):
            raise OSError(5, "Input/output error")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", sync_files_and_one_folder)
        files.compact()
        with pytest.raises(StorageError, match="Input/output error"):
            put(files, "b", 2)

    put(files, "b", 3)
    files.close()
    assert contents(tmp_path) == (files.bodies, [])


def test_a_compaction_that_fails_is_logged_and_not_tried_at_once_again(
    tmp_path, monkeypatch, caplog
):
    files, _ = open_files(tmp_path)
    put(files, "a", 1)
    monkeypatch.setattr(generations, "SLACK_BYTES", 1)
    files._compact_at = 1
    with monkeypatch.context() as patch:
        interrupt_at(0, patch)
        files.compact()

    assert "documents not compacted" in caplog.text
    assert "Input/output error; check the disk" in caplog.text
    assert not files.is_compaction_due
    files.close()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    position=st.integers(0, 10_000), name=st.sampled_from(["documents.json", "documents.json.1"])
)
def test_one_damaged_snapshot_costs_nothing(tmp_path_factory, position, name):
    folder = tmp_path_factory.mktemp("documents")
    bodies = fill(folder)
    damaged = flip(folder / name, position)
    recovered, problems = contents(folder)

    assert recovered == bodies
    kept = folder / f"{name}.damaged-{STAMP}"
    assert kept.read_bytes() == damaged
    (problem,) = problems
    assert problem.startswith(f"{folder / name} is damaged (")
    assert problem.endswith(f"kept as {kept}: all documents were recovered")
    assert contents(folder) == (bodies, [])
    shutil.rmtree(folder)


def test_a_damaged_first_snapshot_is_recovered_from_the_journals_alone(tmp_path):
    bodies = fill(tmp_path, compact_at=(4,))
    assert not (tmp_path / "documents.json.1").exists()
    (tmp_path / "documents.json").write_bytes(b"")
    recovered, problems = contents(tmp_path)

    assert recovered == bodies
    assert "all documents were recovered" in problems[0]


def test_a_second_damage_in_the_same_second_is_kept_beside_the_first(tmp_path):
    fill(tmp_path)
    for expected in (1, 2, 3):
        flip(tmp_path / "documents.json", 40)
        contents(tmp_path)
        assert sum("damaged" in name for name in names(tmp_path)) == expected


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(line=st.integers(0, 3), position=st.integers(0, 200))
def test_a_damaged_line_costs_that_line_alone_and_is_told(tmp_path_factory, line, position):
    folder = tmp_path_factory.mktemp("documents")
    files, _ = open_files(folder)
    for number in range(1, 6):
        put(files, f"u{number}", number)
    files.close()
    journal = folder / "documents.journal"
    lines = journal.read_bytes().splitlines()
    damaged = bytearray(lines[line + 1])
    damaged[position % len(damaged)] ^= 0x01
    lines[line + 1] = bytes(damaged)
    journal.write_bytes(b"\n".join(lines) + b"\n")
    whole = journal.read_bytes()

    recovered, problems = contents(folder)

    missing = f"u{line + 1}"
    assert recovered == {
        "users": {key: body for key, body in files.bodies["users"].items() if key != missing}
    }
    assert "1 damaged line(s)" in problems[0]
    assert "1 change(s) are lost; look into a backup" in problems[0]
    assert (folder / f"documents.journal.damaged-{STAMP}").read_bytes() == whole
    assert contents(folder) == (recovered, [])
    shutil.rmtree(folder)


def test_a_damaged_journal_head_loses_nothing(tmp_path):
    bodies = fill(tmp_path, compact_at=())
    flip(tmp_path / "documents.journal", 5)

    recovered, problems = contents(tmp_path)
    assert recovered == bodies
    assert "1 damaged line(s)" in problems[0]


def test_when_all_snapshots_are_damaged_what_the_journals_have_is_kept_and_the_rest_told(tmp_path):
    bodies = fill(tmp_path)
    for name in ("documents.json", "documents.json.1"):
        (tmp_path / name).write_bytes(b"garbage")
    recovered, problems = contents(tmp_path)

    # Changes 5 to 12 are in the journals, and they touched every key.
    assert recovered == bodies
    assert len(problems) == 2
    assert all("4 change(s) are lost" in problem for problem in problems)
    assert contents(tmp_path) == (bodies, [])


def test_snapshots_that_were_removed_are_missed(tmp_path):
    fill(tmp_path)
    for name in ("documents.json", "documents.json.1", "documents.journal.1"):
        (tmp_path / name).unlink()
    recovered, problems = contents(tmp_path)

    assert set(recovered["users"]) == {"u4", "u0", "u1", "u2"}
    assert problems == [
        f"{tmp_path / 'documents.json'} is missing: 8 change(s) are lost; look into a backup"
    ]


def test_a_removed_snapshot_with_an_older_one_is_like_a_crash(tmp_path):
    bodies = fill(tmp_path)
    (tmp_path / "documents.json").unlink()

    assert contents(tmp_path) == (bodies, [])


def test_a_file_system_without_links_keeps_a_copy(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    fill(tmp_path)
    damaged = flip(tmp_path / "documents.json", 40)
    monkeypatch.setattr(os, "link", refuse)
    contents(tmp_path)

    kept = tmp_path / f"documents.json.damaged-{STAMP}"
    assert kept.read_bytes() == damaged
    assert kept.stat().st_mode & 0o777 == 0o600


# Written by the first version of the schema; see tests/storage/fixtures.
OLD_FILES = Path(__file__).parent / "fixtures" / "documents_v1"


def roles_to_lists(tables):
    for user in tables["users"].values():
        user["roles"] = [user.pop("role")]
    return tables


def areas_to_rooms(tables):
    return {"users": tables["users"], "rooms": tables.get("areas", {})}


@pytest.fixture
def old_folder(tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(OLD_FILES, folder)
    return folder


def test_old_files_are_migrated_step_by_step_and_kept(old_folder):
    bodies, problems = contents(old_folder, (roles_to_lists, areas_to_rooms))

    assert bodies == {
        "users": {
            "anna": b'{"name":"\xc3\x85nna","roles":["owner"]}',
            "bert": b'{"roles":["viewer"]}',
        },
        "rooms": {"barn": b'{"name":"Barn"}'},
    }
    assert problems == []
    assert contents(old_folder, (roles_to_lists, areas_to_rooms)) == (bodies, [])
    with pytest.raises(NewerSchema):
        contents(old_folder)

    restored = old_folder.parent / "restored"
    restored.mkdir()
    shutil.copy(old_folder / "documents.json.v1", restored / "documents.json")
    assert contents(restored)[0]["users"]["anna"] == b'{"name":"\xc3\x85nna","role":"owner"}'
    assert contents(restored)[0]["areas"] == {"barn": b'{"name":"Barn"}'}


@pytest.mark.parametrize("step", STEPS)
def test_a_migration_may_stop_between_any_two_steps(old_folder, monkeypatch, step):
    with monkeypatch.context() as patch:
        interrupt_at(step, patch)
        with contextlib.suppress(StorageError):
            contents(old_folder, (roles_to_lists,))
    bodies, problems = contents(old_folder, (roles_to_lists,))

    assert bodies["users"]["bert"] == b'{"roles":["viewer"]}'
    assert problems == []
    assert (old_folder / "documents.json.v1").exists()


def test_after_a_migration_one_damaged_snapshot_costs_nothing(old_folder):
    bodies, _ = contents(old_folder, (roles_to_lists,))
    flip(old_folder / "documents.json", 40)

    assert contents(old_folder, (roles_to_lists,))[0] == bodies


@pytest.mark.parametrize(
    ("migration", "reason"),
    [
        (lambda tables: None, "AttributeError"),
        (lambda tables: {"users": {"anna": 5}}, "TypeError"),
        (lambda tables: tables["nobody"], "KeyError: 'nobody'"),
        (lambda tables: {"users": {"anna": {"x": {1}}}}, "TypeError"),
    ],
)
def test_a_migration_that_fails_changes_nothing(old_folder, migration, reason):
    before = {path.name: path.read_bytes() for path in old_folder.iterdir()}
    with pytest.raises(
        StorageError, match="from version 1 to 2 failed and changed nothing"
    ) as caught:
        contents(old_folder, (migration,))

    assert reason in str(caught.value)
    assert {path.name: path.read_bytes() for path in old_folder.iterdir()} == before


@pytest.mark.parametrize("names_kept", [["documents.json"], ["documents.journal"]])
def test_files_of_a_newer_version_are_left_alone(tmp_path, names_kept):
    files, _ = open_files(tmp_path, (dict,) * 6)
    put(files, "a", 1)
    files.compact()
    put(files, "a", 2)
    files.close()
    for path in tmp_path.iterdir():
        if path.name not in names_kept:
            path.unlink()
    with (tmp_path / "documents.journal").open("ab") as journal:
        journal.write(b"torn")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(NewerSchema) as caught:
        open_files(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path / 'documents.json'} was written by a newer version of the hub (schema 7, this "
        "one knows 1); start that version again"
    )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_closed_files_take_no_more(tmp_path):
    files, _ = open_files(tmp_path)
    files.close()

    with pytest.raises(StorageError, match="the documents are closed"):
        put(files, "a", 1)
    assert not files.is_compaction_due

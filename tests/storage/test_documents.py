"""Documents through their own door: real files, real crashes, real limits."""

import asyncio
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import StorageBusy, StorageError, StorageFull
from hub.storage import batches, generations
from hub.storage.documents import Documents


@asynccontextmanager
async def opened(folder, **options):
    documents = await Documents.open(folder, **options)
    try:
        yield documents
    finally:
        await documents.close()


@contextmanager
def file_size_limit(size):
    """What a full disk does, without one: no file may grow beyond *size* bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def contents(folder):
    async with opened(folder) as documents:
        assert documents.problems == []
        return {name: documents.table(name).all() for name in ("users", "areas")}


async def test_what_was_put_is_there_after_a_restart(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        await users.put("anna", {"role": "owner", "tags": ["a", {"b": None}], "name": "Ånna"})
        await users.put("bert", {"role": "viewer"})
        assert await users.update("bert", role="admin", age=7) == {"role": "admin", "age": 7}
        await users.put("carl", {})
        assert await users.delete("carl") is True

    async with opened(tmp_path) as documents:
        users = documents.table("users")
        assert users.all() == {
            "anna": {"role": "owner", "tags": ["a", {"b": None}], "name": "Ånna"},
            "bert": {"role": "admin", "age": 7},
        }
        assert documents.problems == []


async def test_a_table_answers_from_memory(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        for name, role, level in (("a", "owner", 1), ("b", "viewer", 1), ("c", "viewer", 2)):
            await users.put(name, {"role": role, "level": level})

        assert users.get("a") == {"role": "owner", "level": 1}
        assert users.get("x") is None
        assert list(users.find(role="viewer")) == ["b", "c"]
        assert list(users.find(role="viewer", level=2)) == ["c"]
        assert users.find(missing=None) == {}
        assert users.find() == users.all()
        assert "a" in users
        assert "x" not in users
        assert (list(users), len(users)) == (["a", "b", "c"], 3)
        assert documents.table("users") is users
        assert len(documents.table("tokens")) == 0


async def test_a_query_sees_a_write_at_once(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        await users.put("a", {"role": "owner"})
        assert list(users.find(role="owner")) == ["a"]

        write = asyncio.ensure_future(users.put("b", {"role": "owner"}))
        await asyncio.sleep(0)

        assert list(users.find(role="owner")) == ["a", "b"]
        await write


async def test_nothing_returned_or_given_is_shared_with_the_store(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        given_document = {"tags": ["a"]}
        await users.put("anna", given_document)
        given_document["tags"].append("b")
        users.get("anna")["tags"].append("c")
        users.all()["anna"]["tags"].append("d")
        users.find(tags=["a"])["anna"]["tags"].append("e")
        (await users.update("anna", x=[]))["x"].append("f")

        assert users.get("anna") == {"tags": ["a"], "x": []}


async def test_what_is_not_there_is_neither_updated_nor_deleted(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")

        assert await users.update("anna", role="owner") is None
        assert await users.delete("anna") is False
        assert users.all() == {}


async def test_a_field_may_be_called_key_or_self(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        await users.put("anna", {})
        await users.update("anna", key=1, self=2)

        assert users.find(key=1, self=2) == {"anna": {"key": 1, "self": 2}}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"a": {1, 2}}, "document users/anna.a: set can't be stored as JSON"),
        ({"a": [0, float("nan")]}, "document users/anna.a[1]: float can't"),
        ({"a": {1: 2}}, "document users/anna.a: the key 1 is no text"),
        ({"a": "\ud800"}, "document users/anna.a: half a surrogate pair"),
        ({"\ud800": 1}, "document users/anna: half a surrogate pair"),
        ({"a": 10**5000}, "document users/anna: Exceeds the limit"),
        ({"a": "x" * (1 << 20)}, "document users/anna: 1048584 bytes of JSON"),
        ([1], "document users/anna: expected a mapping, got list"),
    ],
)
async def test_what_is_no_json_is_refused_and_changes_nothing(tmp_path, document, place):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        await users.put("anna", {"a": 1})

        with pytest.raises(StorageError, match=place.replace("[", r"\[").replace("+", r"\+")):
            await users.put("anna", document)
        assert users.all() == {"anna": {"a": 1}}
    assert (await contents(tmp_path))["users"] == {"anna": {"a": 1}}


async def test_a_document_may_not_be_nested_without_end(tmp_path):
    document = {}
    document["self"] = document
    async with opened(tmp_path) as documents:
        with pytest.raises(StorageError, match="nested deeper than 32 levels"):
            await documents.table("users").put("anna", document)


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_a_length(tmp_path, key):
    async with opened(tmp_path) as documents:
        with pytest.raises(StorageError, match="expected a key of 1 to 255 characters"):
            await documents.table("users").put(key, {})


@pytest.mark.parametrize("name", ["", "Users", "a b", "../x", "a" * 64])
async def test_a_table_has_a_plain_name(tmp_path, name):
    async with opened(tmp_path) as documents:
        with pytest.raises(StorageError, match="expected a table name"):
            documents.table(name)


async def test_a_thousand_concurrent_writes_share_a_few_syncs(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        await asyncio.gather(*(users.put(f"u{i}", {"number": i}) for i in range(1000)))

        assert documents.sync_count <= 3
        assert len(users) == 1000
    assert len((await contents(tmp_path))["users"]) == 1000


async def test_a_write_waits_for_its_own_sync_and_not_for_a_timer(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        for i in range(5):
            await users.put("a", {"i": i})
            stored = (tmp_path / "documents.journal").read_bytes().splitlines()[-1]
            assert json.loads(stored)["doc"] == {"i": i}

        assert documents.sync_count == 5


async def test_a_write_returns_only_after_a_sync_that_covers_it(tmp_path, monkeypatch):
    synced = []
    sync = os.fsync

    def watched(descriptor):
        sync(descriptor)
        synced.append(os.fstat(descriptor).st_size)

    async with opened(tmp_path) as documents:
        monkeypatch.setattr(os, "fsync", watched)
        for number in range(3):
            await documents.table("users").put("a", {"number": number})
            assert synced[-1] == (tmp_path / "documents.journal").stat().st_size
            assert len(synced) == number + 1


async def test_a_cancelled_caller_does_not_stop_the_write_or_the_others(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        first = asyncio.ensure_future(users.put("a", {}))
        second = asyncio.ensure_future(users.put("b", {}))
        await asyncio.sleep(0)
        first.cancel()
        await second

        assert first.cancelled()
        assert list(users) == ["a", "b"]
    assert list((await contents(tmp_path))["users"]) == ["a", "b"]


async def test_a_snapshot_of_a_running_store_restores_elsewhere(tmp_path):
    async with opened(tmp_path / "here") as documents:
        users = documents.table("users")
        await users.put("anna", {"name": "Ånna"})
        await users.put("bert", {})
        await users.delete("bert")
        copied = await documents.snapshot()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "documents.json").write_bytes(copied)

    assert await contents(tmp_path / "there") == await contents(tmp_path / "here")


async def test_closing_writes_what_still_waits(tmp_path):
    documents = await Documents.open(tmp_path)
    write = asyncio.ensure_future(documents.table("users").put("a", {}))
    await asyncio.sleep(0)
    await documents.close()
    await write
    await documents.close()

    with pytest.raises(StorageError, match="the documents are closed"):
        await documents.table("users").put("b", {})
    assert (await contents(tmp_path))["users"] == {"a": {}}


async def test_a_full_disk_refuses_the_write_and_memory_goes_back(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        await users.put("anna", {"text": "short"})
        await users.put("bert", {})
        size = (tmp_path / "documents.journal").stat().st_size

        with file_size_limit(size + 100):
            results = await asyncio.gather(
                users.put("anna", {"text": "x" * 500}),
                users.update("anna", more=1),
                users.put("new", {}),
                users.delete("bert"),
                return_exceptions=True,
            )

        assert [type(result) for result in results] == [StorageFull] * 4
        assert "documents.journal: no space left on the disk" in str(results[0])
        assert users.all() == {"anna": {"text": "short"}, "bert": {}}
        assert users.find(text="short") == {"anna": {"text": "short"}}
        assert (tmp_path / "documents.journal").stat().st_size == size

        await users.put("anna", {"text": "again"})
    assert (await contents(tmp_path))["users"] == {"anna": {"text": "again"}, "bert": {}}


async def test_writes_made_on_top_of_one_that_fails_fail_with_it(tmp_path):
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        await users.put("anna", {"n": 0})
        size = (tmp_path / "documents.journal").stat().st_size
        with file_size_limit(size + 100):
            first = asyncio.ensure_future(users.put("anna", {"text": "x" * 500}))
            await asyncio.sleep(0)  # it is queued
            await asyncio.sleep(0)  # it is on its way
            second = asyncio.ensure_future(users.update("anna", n=1))
            await asyncio.sleep(0)
            assert list(users.find(n=1)) == ["anna"]
            results = await asyncio.gather(first, second, return_exceptions=True)

        assert [type(result) for result in results] == [StorageFull] * 2
        assert users.all() == {"anna": {"n": 0}}
        assert users.find(n=1) == {}


async def test_more_than_human_scale_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(generations, "MAX_BYTES", 1 << 20)
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        await users.put("a", {"text": "x" * 900_000})
        with pytest.raises(StorageFull, match="more than 1 MiB; delete some"):
            await users.put("b", {"text": "x" * 900_000})

        await users.put("a", {"text": "x"})
        await users.put("b", {"text": "x" * 900_000})


async def test_too_many_waiting_writes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "MAX_WAITING", 5)
    async with opened(tmp_path) as documents:
        users = documents.table("users")
        results = await asyncio.gather(
            *(users.put(f"u{i}", {}) for i in range(8)), return_exceptions=True
        )

        assert [type(result) for result in results[5:]] == [StorageBusy] * 3
        assert list(users) == [f"u{i}" for i in range(5)]


async def test_files_are_for_their_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(generations, "SLACK_BYTES", 100)
    folder = tmp_path / "fresh"
    async with opened(folder) as documents:
        for i in range(20):
            await documents.table("users").put("a", {"i": i})
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}

    for path in folder.iterdir():
        path.chmod(0o644)
    async with opened(folder):
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


async def test_a_folder_that_is_a_file_is_explained(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(StorageError, match="taken: Not a directory; check the disk"):
        await Documents.open(tmp_path / "taken")


WRITER = """
import asyncio, pathlib, sys
from hub.storage import generations
from hub.storage.documents import Documents
generations.SLACK_BYTES = 3000

async def main():
    documents = await Documents.open(pathlib.Path(sys.argv[1]))
    table = documents.table("users")
    async def write(lane):
        for number in range(100000):
            await table.put(f"{lane}-{number % 7}", {"number": number})
            sys.stdout.write(f"{lane}-{number % 7} {number}\\n")
            sys.stdout.flush()
    await asyncio.gather(*(write(lane) for lane in range(4)))

asyncio.run(main())
"""


@pytest.mark.parametrize("line_count", [3, 400, 1100])
async def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path, line_count):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True
    )
    lines = [process.stdout.readline() for _ in range(line_count)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    lines += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    acknowledged = {key: int(number) for key, number in (line.split() for line in lines)}

    async with opened(tmp_path) as documents:
        stored = documents.table("users").all()
        assert documents.problems == []
    assert len(acknowledged) >= min(3, line_count)
    for key, number in acknowledged.items():
        assert stored[key]["number"] >= number


KEYS = st.sampled_from(["anna", "bert", "ü", 'two"lines\n'])
FIELDS = st.dictionaries(
    st.sampled_from(["a", "b", "doc"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.floats(0, 1)),
    max_size=3,
)
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "update", "delete"]),
        st.sampled_from(["users", "areas"]),
        KEYS,
        FIELDS,
    ),
    max_size=25,
)


async def run_operations(folder, operations):
    """Do *operations*; return the state after each change that was given a number."""
    states = [{"users": {}, "areas": {}}]
    async with opened(folder) as documents:
        for verb, table_name, key, fields in operations:
            table = documents.table(table_name)
            if verb == "put":
                await table.put(key, fields)
            elif verb == "update":
                if await table.update(key, **fields) is None:
                    continue
            elif not await table.delete(key):
                continue
            if documents._batches.files._sequence == len(states):
                states.append({name: documents.table(name).all() for name in ("users", "areas")})
    return states


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    operations=OPERATIONS,
    slack=st.sampled_from([50, 400, 1 << 20]),
    data=st.data(),
)
def test_a_journal_cut_at_any_byte_gives_the_acknowledged_prefix(
    tmp_path_factory, operations, slack, data
):
    folder = tmp_path_factory.mktemp("documents")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generations, "SLACK_BYTES", slack)
        states = asyncio.run(run_operations(folder, operations))
    journal = folder / "documents.journal"
    whole = journal.read_bytes()
    assert asyncio.run(contents(folder)) == states[-1]

    cut = data.draw(st.integers(0, len(whole)))
    journal.write_bytes(whole[:cut])
    lines = whole[:cut].split(b"\n")[:-1]
    first = json.loads(whole.split(b"\n")[0])["seq"]
    last = first + max(0, len(lines) - 1)

    assert asyncio.run(contents(folder)) == states[last]
    shutil.rmtree(folder)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(operations=OPERATIONS, more=OPERATIONS, data=st.data())
def test_a_restart_after_a_cut_goes_on_as_if_the_rest_never_was(
    tmp_path_factory, operations, more, data
):
    folder = tmp_path_factory.mktemp("documents")
    asyncio.run(run_operations(folder, operations))
    journal = folder / "documents.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    asyncio.run(run_operations(folder, more))
    after = asyncio.run(contents(folder))

    assert asyncio.run(contents(folder)) == after
    assert [path.name for path in folder.iterdir()] == ["documents.journal"]
    shutil.rmtree(folder)

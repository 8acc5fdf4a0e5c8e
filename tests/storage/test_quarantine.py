import asyncio
import sqlite3

import pytest

from hub.errors import StorageBusy, StorageError, StorageFull
from hub.storage.ring import without_secrets
from hub.storage.store import Store, StoreSettings
from hub.storage.writes import QuarantineItem, WriteBatch

MIB = 1 << 20


def item(body=b"{", reason="not JSON", **more):
    return QuarantineItem(
        received=1_772_000_000_000_000,
        plugin="efento",
        source="192.168.1.5",
        reason=reason,
        body=body,
        **more,
    )


def files(store):
    return sorted(p.name for p in (store.database.folder / "quarantine").iterdir())


@pytest.fixture
async def small(tmp_path, clock):
    store = Store(tmp_path, clock, StoreSettings(quarantine_bytes=10_000))
    await store.open()
    yield store
    assert await store.close()


async def test_a_message_is_listed_shown_taken_and_dropped(store):
    first = await store.quarantine.add(item(b"abc", headers={"X": "y"}, route="/r", part="m[0]"))
    second = await store.quarantine.add(item(b"d"))

    assert [e.id for e in await store.quarantine.list()] == [second, first]
    assert [e.id for e in await store.quarantine.list(before=second)] == [first]
    assert [e.id for e in await store.quarantine.list(limit=1)] == [second]
    entry = await store.quarantine.show(first)
    assert (entry.route, entry.part, entry.headers, entry.size) == ("/r", "m[0]", {"X": "y"}, 3)
    assert await store.quarantine.take(first) == (entry, b"abc")
    assert store.quarantine.count == 2

    assert await store.quarantine.drop([first, 99]) == 1
    assert await store.quarantine.show(first) is None
    with pytest.raises(LookupError, match="not in the quarantine"):
        await store.quarantine.take(first)
    assert store.quarantine.count == 1
    assert store.quarantine.dropped_count == 0
    await store.quarantine.drop([second])
    assert store.quarantine.byte_count == 0


async def test_it_goes_with_the_batch_it_came_with(store, fresh_batch, row):
    batch = fresh_batch(row(1, 5, 5))
    batch.quarantined += [item(b"1"), item(b"2")]

    result = await store.writer.submit(batch)
    assert result.quarantine_ids == (1, 2)


def test_headers_with_secrets_are_left_out():
    headers = {
        "Content-Type": "a",
        "Authorization": "s",
        "Proxy-Authorization": "s",
        "Cookie": "s",
        "Set-Cookie": "s",
        "X-Api-Token": "s",
        "x-authorization": "s",
        "X-API-Key": "s",
        "X-Client-Secret": "s",
        "User-Agent": "b",
    }
    assert without_secrets(headers) == {"Content-Type": "a", "User-Agent": "b"}


async def test_a_large_body_lies_in_a_file_of_its_own(store):
    body = bytes(range(256)) * 8192
    number = await store.quarantine.add(item(body))

    assert len(files(store)) == 1
    assert (await store.quarantine.take(number))[1] == body
    await store.quarantine.drop([number])
    assert files(store) == []


async def test_a_body_whose_file_has_gone_is_explained(store):
    number = await store.quarantine.add(item(b"x" * 2 * MIB))
    (store.database.folder / "quarantine" / files(store)[0]).unlink()

    with pytest.raises(StorageError, match=f"body of message {number} cannot be read"):
        await store.quarantine.take(number)


async def test_the_oldest_go_when_the_ring_is_full(small):
    ids = [await small.quarantine.add(item(bytes(1000))) for _ in range(20)]

    kept = [e.id for e in await small.quarantine.list()]
    assert kept == ids[: -len(kept) - 1 : -1]
    assert 5 <= len(kept) <= 10
    assert small.quarantine.byte_count <= 10_000
    assert small.quarantine.dropped_count == 20 - len(kept)
    assert small.quarantine.dropped_bytes > 10_000


async def test_empty_messages_are_bounded_too(small):
    batch = WriteBatch()
    batch.quarantined = [item(b"") for _ in range(300)]
    await small.writer.submit(batch)

    assert small.quarantine.count < 50
    assert small.quarantine.byte_count <= 10_000


async def test_what_is_larger_than_the_ring_is_not_kept(small):
    await small.quarantine.add(item(b"x" * 20_000))

    assert small.quarantine.count == 0
    assert small.quarantine.dropped_count == 1


async def test_counts_survive_a_restart(tmp_path, clock):
    settings = StoreSettings(quarantine_bytes=10_000)
    store = Store(tmp_path, clock, settings)
    await store.open()
    for _ in range(20):
        await store.quarantine.add(item(bytes(1000)))
    before = [(q.count, q.byte_count, q.dropped_count, q.dropped_bytes) for q in [store.quarantine]]
    await store.close()

    again = Store(tmp_path, clock, settings)
    await again.open()
    after = [(q.count, q.byte_count, q.dropped_count, q.dropped_bytes) for q in [again.quarantine]]
    assert after == before
    await again.close()


async def test_a_batch_that_fails_leaves_no_file_behind(store):
    await store.records.declare("thing", {"n": "$.n"})
    batch = WriteBatch()
    batch.records.append(("thing", "a", b"{}"))
    batch.quarantined.append(item(b"x" * 2 * MIB))

    def full(place):
        if place == "commit":
            error = sqlite3.OperationalError("full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    store.writer.fault = full
    with pytest.raises(StorageFull):
        await store.writer.submit(batch)
    store.writer.fault = None
    assert files(store) == []
    assert store.quarantine.count == 0


async def test_a_body_is_spooled_to_disk_as_it_arrives(store):
    async with store.quarantine.spool() as spool:
        for _ in range(3):
            await spool.write(b"x" * MIB)
        assert spool.size == 3 * MIB
        number = await spool.commit(item(b""))

    entry, body = await store.quarantine.take(number)
    assert entry.size == 3 * MIB
    assert body == b"x" * 3 * MIB
    assert len(files(store)) == 1


async def test_a_spool_that_is_not_committed_is_removed(store):
    async with store.quarantine.spool() as spool:
        await spool.write(b"x")
        assert len(files(store)) == 1
    await spool.abort()

    assert files(store) == []
    async with store.quarantine.spool():
        pass  # nothing was written, nothing is removed
    assert store.quarantine._spools.open_count == 0


async def test_spools_are_bounded_in_number_and_size(store):
    spools = [store.quarantine.spool() for _ in range(8)]
    with pytest.raises(StorageBusy):
        store.quarantine.spool()
    for spool in spools:
        await spool.abort()
    async with store.quarantine.spool() as spool:
        spool.size = 64 * MIB
        with pytest.raises(StorageError, match="more than"):
            await spool.write(b"x")


async def test_a_spool_that_cannot_be_stored_is_removed(store):
    def broken(_place):
        raise OSError(5, "Input/output error")

    store.writer.fault = broken
    async with store.quarantine.spool() as spool:
        await spool.write(b"x")
        with pytest.raises(StorageError):
            await spool.commit(item(b""))
    store.writer.fault = None
    assert files(store) == []


async def test_a_spool_that_is_refused_is_removed(store):
    store.writer._is_open = False
    async with store.quarantine.spool() as spool:
        await spool.write(b"x")
        with pytest.raises(StorageBusy):
            await spool.commit(item(b""))
    store.writer._is_open = True
    assert files(store) == []


async def test_a_spool_nobody_waits_for_any_more_may_still_be_stored(store):
    number = asyncio.get_running_loop().create_future()
    async with store.quarantine.spool() as spool:
        await spool.write(b"x")
        spool._spools.submit = lambda _item: number
        number.set_exception(StorageBusy("too slow"))
        with pytest.raises(StorageBusy):
            await spool.commit(item(b""))
    assert len(files(store)) == 1


async def test_a_spool_that_cannot_write_says_so(store, tmp_path):
    async with store.quarantine.spool() as spool:
        spool._path = tmp_path / "missing" / "x"
        with pytest.raises(StorageError, match="failed"):
            await spool.write(b"x")


async def test_leftovers_are_removed_at_start(tmp_path, clock):
    store = Store(tmp_path, clock)
    await store.open()
    number = await store.quarantine.add(item(b"x" * 2 * MIB))
    await store.close()
    (tmp_path / "quarantine" / "leftover").write_bytes(b"x")

    again = Store(tmp_path, clock)
    await again.open()
    assert len(files(again)) == 1
    assert len((await again.quarantine.take(number))[1]) == 2 * MIB
    await again.close()

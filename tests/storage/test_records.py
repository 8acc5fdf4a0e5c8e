import json

import pytest

from hub.errors import StorageError


def body(**fields):
    return json.dumps(fields).encode()


async def test_a_record_is_put_replaced_and_deleted(store):
    await store.records.put("device", "a", body(n=1))
    await store.records.put("device", "a", body(n=2))
    await store.records.put("entity", "a", body(n=3))
    assert await store.records.get("device", "a") == body(n=2)
    assert await store.records.all("device") == [("a", body(n=2))]

    await store.records.delete("device", "a")
    assert await store.records.get("device", "a") is None
    assert await store.records.all("entity") == [("a", body(n=3))]


async def test_records_are_found_by_a_declared_index(store):
    await store.records.put("device", "old", body(owner={"name": "ann"}))
    await store.records.declare("device", {"owner": "$.owner.name", "number": "$.number"})
    await store.records.put("device", "b", body(owner={"name": "bob"}, number=5))
    await store.records.put("device", "c", body(owner={"name": "ann"}, number=5))
    await store.records.put("entity", "x", body(owner={"name": "ann"}))

    find = store.records.find
    assert [key for key, _ in await find("device", "owner", "ann")] == ["c", "old"]
    assert [key for key, _ in await find("device", "number", 5)] == ["b", "c"]
    assert [key for key, _ in await find("device", "number", None)] == ["old"]
    assert [key for key, _ in await find("device", "number", 5, limit=1)] == ["b"]


async def test_an_index_is_made_changed_and_removed(store):
    async def names():
        query = "SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB 'records.*'"
        return await store.readers.run(
            lambda c: sorted(row[0] for row in c.execute(query).fetchall())
        )

    await store.records.put("device", "a", body(x=1, y=2))
    await store.records.declare("device", {"n": "$.x"})
    await store.records.declare("device_group", {"n": "$.x"})
    await store.records.declare("device", {"n": "$.y", "m": "$.x"})
    assert await names() == ["records.device.m", "records.device.n", "records.device_group.n"]
    assert [key for key, _ in await store.records.find("device", "n", 2)] == ["a"]

    await store.records.declare("device", {})
    assert await names() == ["records.device_group.n"]


@pytest.mark.parametrize(
    ("kind", "indexes"),
    [
        ("Device", {}),
        ("a'b", {}),
        ("", {}),
        ("device", {"na me": "$.x"}),
        ("device", {"name": "$.x'"}),
        ("device", {"name": "x"}),
        ("device", {"name": "$"}),
    ],
)
async def test_names_that_could_change_a_query_are_refused(store, kind, indexes):
    with pytest.raises(ValueError, match="does not match"):
        await store.records.declare(kind, indexes)


async def test_an_index_that_was_not_declared_is_named(store):
    with pytest.raises(LookupError, match=r"kind device have no index name"):
        await store.records.find("device", "name", 1)


async def test_a_body_that_is_no_json_is_refused_where_an_index_needs_it(store):
    await store.records.declare("device", {"n": "$.n"})
    with pytest.raises(StorageError):
        await store.records.put("device", "a", b"{")
    assert await store.records.all("device") == []


async def test_any_text_is_a_key(store):
    for key in ("", "ä", "a'b", "x" * 1000):
        await store.records.put("device", key, body(key=key))
        assert json.loads(await store.records.get("device", key)) == {"key": key}

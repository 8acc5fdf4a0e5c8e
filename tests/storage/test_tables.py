"""TinyDB's own operations on our storage: the same results, and only what changed is written."""

import pytest
from tinydb import where

from hub.errors import StorageError
from hub.storage.tables import Database, JournalledStorage, keyed


class Written:
    """Takes changes as the journal would."""

    def __init__(self):
        self.changes = []

    def add(self, changes):
        self.changes += changes

    def take(self):
        taken, self.changes = self.changes, []
        return [(change.table, change.key, change.body) for change in taken]


@pytest.fixture
def sink():
    return Written()


@pytest.fixture
def database(sink):
    tables = {"users": {"a": {"n": 1}, "b": {"n": 2, "deep": [1]}}, "areas": {"x": {}}}
    return Database(storage=lambda: JournalledStorage(tables, sink))


def test_an_update_by_query_writes_only_what_it_changed(database, sink):
    database.table("users").update({"n": 3}, where("n") == 2)

    assert sink.take() == [("users", "b", b'{"n":3,"deep":[1]}')]


def test_an_update_that_changes_nothing_writes_nothing(database, sink):
    database.table("users").update({"n": 1}, where("n") == 1)

    assert sink.take() == []


def test_true_in_place_of_one_is_a_change(database, sink):
    database.table("users").update({"n": True}, doc_ids=["a"])

    assert sink.take() == [("users", "a", b'{"n":true}')]


def test_an_update_that_raises_half_way_changes_nothing(database, sink):
    def fail(document):
        document["n"] = 9
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        database.table("users").update(fail)
    assert database.table("users").all() == [{"n": 1}, {"n": 2, "deep": [1]}]
    assert sink.take() == []


def test_insert_upsert_and_remove_work_as_in_tinydb(database, sink):
    users = database.table("users")
    users.insert(keyed({"n": 4}, "d"))
    with pytest.raises(ValueError, match="already exists"):
        users.insert(keyed({"n": 5}, "d"))
    users.upsert(keyed({"m": 1}, "d"))
    users.remove(where("n") == 1)
    users.remove(doc_ids=["b", "nobody"])

    assert [(row.doc_id, row) for row in users.all()] == [("d", {"n": 4, "m": 1})]
    assert sink.take() == [
        ("users", "d", b'{"n":4}'),
        ("users", "d", b'{"n":4,"m":1}'),
        ("users", "a", None),
        ("users", "b", None),
    ]


def test_one_update_sees_its_own_changes(database, sink):
    seen = []

    def change(rows):
        del rows["a"]
        rows["c"] = {"n": 3}
        rows["c"]["n"] = 4
        seen.extend([list(rows), len(rows), "a" in rows, "c" in rows, rows["c"]])
        with pytest.raises(KeyError):
            rows["a"]
        with pytest.raises(KeyError):
            del rows["a"]

    database.table("users")._update_table(change)

    assert seen == [["b", "c"], 2, False, True, {"n": 4}]
    assert sink.take() == [("users", "a", None), ("users", "c", b'{"n":4}')]


def test_truncating_and_dropping_tables_delete_each_document(database, sink):
    database.table("users").truncate()
    assert sorted(sink.take()) == [("users", "a", None), ("users", "b", None)]

    database.drop_table("areas")
    assert sink.take() == [("areas", "x", None)]

    database.table("users").put("z", {})
    sink.take()
    database.drop_tables()
    assert sink.take() == [("users", "z", None)]
    assert len(database.table("users")) == 0


def test_writing_a_whole_database_writes_the_difference(database, sink):
    data = database.storage.read()
    data["users"] = {"a": data["users"]["a"], "new": {"n": 5}}
    database.storage.write(data)

    assert sink.take() == [("users", "b", None), ("users", "new", b'{"n":5}')]


def test_a_refused_document_changes_nothing(database, sink):
    for refused in (object(), {1, 2}, float("nan")):
        with pytest.raises(StorageError, match=r"document users/a\.n: "):
            database.table("users").update({"n": refused})

    assert database.table("users").get(doc_id="a") == {"n": 1}
    assert sink.take() == []

"""TinyDB on top of the journal: its tables and queries, without its whole-file writes.

TinyDB reads and writes a database as one dictionary and copies a table for each update. Here a
table hands over only the documents an update touched, so an update costs the same at any size;
a query still looks at every document of its table.
"""

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from math import isfinite
from typing import Any, Protocol, cast

from tinydb import Storage, TinyDB
from tinydb.table import Document as TinyDocument
from tinydb.table import Table as TinyTable

from hub.errors import StorageError
from hub.storage.journal import MAX_BODY_BYTES, Change, encode_json

Doc = dict[str, Any]
"""A document: JSON values under text keys."""

_MAX_DEPTH = 32


class Sink(Protocol):
    """Takes changes on their way to the disk."""

    def add(self, changes: list[Change]) -> None:
        """Queue *changes*; raise a StorageError if that is not possible."""
        ...


class JournalledStorage(Storage):
    """Keeps the tables in memory and hands every change to the journal."""

    def __init__(self, tables: dict[str, dict[str, Doc]], sink: Sink) -> None:
        self._tables = tables
        self._sink = sink

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the tables; TinyDB may add and drop tables of the outer dictionary."""
        return dict(self._tables)

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Make the tables equal to *data*: the way TinyDB drops tables.

        Raises:
            StorageError: a document is no JSON, or the writer does not take more.
        """
        for name in self._tables.keys() | data.keys():
            before, after = self._tables.get(name, {}), data.get(name, {})
            gone: dict[str, Doc | None] = {key: None for key in before if key not in after}
            self.apply(name, gone | {k: v for k, v in after.items() if v is not before.get(k)})

    def apply(self, table: str, documents: Mapping[str, Doc | None]) -> None:
        """Put each document, or delete it where it is None, in memory and in the journal.

        Raises:
            StorageError: a document is no JSON, or the writer does not take more; nothing changed.
        """
        copies = {
            key: None if document is None else plain(document, f"document {table}/{key}")
            for key, document in documents.items()
        }
        self._sink.add([Change(table, key, _body(table, key, copies[key])) for key in copies])
        for key, copied in copies.items():
            self._set(table, key, copied)

    def restore(self, table: str, key: str, body: bytes | None) -> None:
        """Set one document to what the disk has, after a write failed."""
        self._set(table, key, None if body is None else json.loads(body))

    def _set(self, table: str, key: str, document: Doc | None) -> None:
        rows = self._tables.setdefault(table, {})
        if document is None:
            rows.pop(key, None)
        else:
            rows[key] = document


class KeyedTable(TinyTable):
    """A TinyDB table whose document ids are text keys, and whose updates cost what they touch."""

    document_id_class = str  # type: ignore[assignment]  # TinyDB's own hook, typed for int only

    def put(self, key: str, document: Doc) -> None:
        """Insert the document or replace the one that is there."""
        self._update_table(lambda rows: rows.__setitem__(cast(int, key), document))

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> None:
        rows = _Touched(cast(Mapping[str, Doc], self._read_table()))
        updater(cast(dict[int, Mapping[str, Any]], rows))
        cast(JournalledStorage, self._storage).apply(self.name, rows.changes())
        self.clear_cache()


class Database(TinyDB):
    """TinyDB with tables of text keys."""

    table_class = KeyedTable


class _Touched(MutableMapping[str, Doc]):
    """A table as an update sees it: reads give copies, and what was touched is remembered."""

    def __init__(self, rows: Mapping[str, Doc]) -> None:
        self._rows = rows
        self._read: dict[str, Doc] = {}
        self._written: dict[str, Doc | None] = {}

    def changes(self) -> dict[str, Doc | None]:
        """Return what was set, deleted, or changed in place."""
        in_place = {
            key: document
            for key, document in self._read.items()
            if not _is_same(document, self._rows[key])
        }
        return in_place | self._written

    def __getitem__(self, key: str) -> Doc:
        if key in self._written:
            document = self._written[key]
            if document is None:
                raise KeyError(key)
            return document
        if key not in self._read:
            self._read[key] = plain(self._rows[key], key)
        return self._read[key]

    def __setitem__(self, key: str, document: Doc) -> None:
        self._written[key] = document

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._written[key] = None

    def __contains__(self, key: object) -> bool:
        if key in self._written:
            return self._written[key] is not None
        return key in self._rows

    def __iter__(self) -> Iterator[str]:
        yield from [key for key in self._rows if key in self]
        yield from [key for key in self._written if key in self and key not in self._rows]

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _is_same(document: Doc, before: Doc) -> bool:
    try:  # by their text: to Python true is equal to 1
        return encode_json(document) == encode_json(before)
    except (TypeError, ValueError):  # no JSON: saying so is up to what takes the changes
        return False


def keyed(document: Doc, key: str) -> TinyDocument:
    """Give *document* its key in TinyDB's way."""
    return TinyDocument(document, cast(int, key))


def plain(document: Mapping[str, Any], where: str) -> Doc:
    """Copy a document deeply into plain JSON types.

    Raises:
        StorageError: something in it is no JSON: the message names the place, not the value.
    """
    if not isinstance(document, Mapping):
        raise StorageError(f"{where}: expected a mapping, got {type(document).__name__}")
    return cast(Doc, _copied(document, where, 0))


def _copied(value: object, where: str, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and isfinite(value):
        return float(value)
    if depth == _MAX_DEPTH:
        raise StorageError(f"{where}: nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {
            _key(key, where): _copied(item, f"{where}.{key}", depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_copied(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    raise StorageError(f"{where}: {type(value).__name__} can't be stored as JSON")


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise StorageError(f"{where}: the key {key!r} is no text")
    return _text(key, where)


def _text(value: str, where: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise StorageError(f"{where}: half a surrogate pair can't be stored") from error
    return str.__str__(value)


def _body(table: str, key: str, document: Doc | None) -> bytes | None:
    if document is None:
        return None
    try:
        body = encode_json(document)
    except ValueError as error:  # an integer of thousands of digits
        raise StorageError(f"document {table}/{key}: {error}") from error
    if len(body) > MAX_BODY_BYTES:
        raise StorageError(
            f"document {table}/{key}: {len(body)} bytes of JSON, the limit is {MAX_BODY_BYTES}"
        )
    return body

"""Records of machine scale: devices, entities, gateways and what plugins keep, as JSON bodies."""

import re
import sqlite3
from collections.abc import Mapping

from hub.storage.readers import Readers
from hub.storage.writer import Writer
from hub.storage.writes import WriteBatch

Record = tuple[str, bytes]
"""``(key, JSON body)``."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PATH = re.compile(r"\$(\.[A-Za-z_][A-Za-z0-9_]{0,62}){1,8}")


class Records:
    """Reads records; they are written with a batch, or by `put` and `delete`.

    A kind's indexes have names and point into the body with paths like ``$.address.city``.
    """

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers
        self._paths: dict[tuple[str, str], str] = {}

    async def declare(self, kind: str, indexes: Mapping[str, str]) -> None:
        """Say how records of *kind* will be looked for; makes and removes indexes as needed.

        Raises:
            ValueError: the name of the kind or of an index, or a path, is malformed.
        """
        _check(_NAME, "kind", kind)
        for name, path in indexes.items():
            _check(_NAME, f"index of {kind}", name)
            _check(_PATH, f"path of {kind}.{name}", path)
        await self._writer.run(lambda connection: _declare(connection, kind, indexes))
        for name, path in indexes.items():
            self._paths[kind, name] = path

    async def get(self, kind: str, key: str) -> bytes | None:
        """Return the body of one record, None if there is none."""
        query = "SELECT CAST(body AS BLOB) FROM records WHERE kind = ? AND key = ?"
        row = await self._readers.run(lambda c: c.execute(query, (kind, key)).fetchone())
        return None if row is None else bytes(row[0])

    async def all(self, kind: str) -> list[Record]:
        """Return every record of *kind*, ordered by key."""
        query = "SELECT key, CAST(body AS BLOB) FROM records WHERE kind = ? ORDER BY key"
        return await self._readers.run(lambda c: c.execute(query, (kind,)).fetchall())

    async def find(
        self, kind: str, index: str, value: str | float | None, *, limit: int = 1000
    ) -> list[Record]:
        """Return the records of *kind* that hold *value* where *index* points, ordered by key.

        Raises:
            LookupError: the index was not declared.
        """
        path = self._paths.get((kind, index))
        if path is None:
            raise LookupError(f"records of kind {kind} have no index {index}: declare it first")
        # SQLite uses a partial index only if it can read kind and path in the query's text.
        query = (
            f"SELECT key, CAST(body AS BLOB) FROM records"  # noqa: S608 - checked names
            f" INDEXED BY \"records.{kind}.{index}\" WHERE kind = '{kind}'"
            f" AND json_extract(body, '{path}') IS ? ORDER BY key LIMIT ?"
        )
        return await self._readers.run(lambda c: c.execute(query, (value, limit)).fetchall())

    async def put(self, kind: str, key: str, body: bytes) -> None:
        """Store a record, in place of the one with its key; returns when it is on disk."""
        await self._writer.submit(_batch(kind, key, body))

    async def delete(self, kind: str, key: str) -> None:
        """Delete a record if there is one; returns when that is on disk."""
        await self._writer.submit(_batch(kind, key, None))


def _batch(kind: str, key: str, body: bytes | None) -> WriteBatch:
    batch = WriteBatch()
    batch.records.append((kind, key, body))
    return batch


def _check(pattern: re.Pattern[str], what: str, text: str) -> None:
    if not pattern.fullmatch(text):
        raise ValueError(f"{what}: {text!r} does not match {pattern.pattern}")


def _declare(connection: sqlite3.Connection, kind: str, indexes: Mapping[str, str]) -> None:
    # A point separates kind and name: neither can hold one.
    wanted = {
        f"records.{kind}.{name}": (
            f'CREATE INDEX "records.{kind}.{name}"'
            f" ON records(json_extract(body, '{path}')) WHERE kind = '{kind}'"
        )
        for name, path in indexes.items()
    }
    present = dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND name GLOB ?",
            (f"records.{kind}.*",),
        )
    )
    for name, text in present.items():
        if wanted.get(name) != text:
            connection.execute(f'DROP INDEX "{name}"')
    for name, text in wanted.items():
        if present.get(name) != text:
            connection.execute(text)

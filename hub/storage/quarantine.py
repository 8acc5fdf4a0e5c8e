"""Messages that were genuine but not understood: kept, shown, replayed, dropped."""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hub.errors import StorageError
from hub.storage.readers import Readers
from hub.storage.ring import Ring
from hub.storage.rows import QuarantineEntry
from hub.storage.spool import Spool, Spools
from hub.storage.writer import Writer
from hub.storage.writes import QuarantineItem, WriteBatch, WriteResult

_COLUMNS = "id, received, plugin, source, reason, route, part, headers, size"


class Quarantine:
    """The messages in the ring, oldest out; counts are those of what is on disk."""

    def __init__(self, writer: Writer, readers: Readers, ring: Ring) -> None:
        self._writer = writer
        self._readers = readers
        self._ring = ring
        self._spools = Spools(ring.folder, self._submit)

    @property
    def count(self) -> int:
        """How many messages are kept."""
        return self._ring.count

    @property
    def byte_count(self) -> int:
        """How many bytes they take."""
        return self._ring.byte_count

    @property
    def dropped_count(self) -> int:
        """How many messages the bound has cost since the folder was made."""
        return self._ring.dropped_count

    @property
    def dropped_bytes(self) -> int:
        """How many bytes those had."""
        return self._ring.dropped_bytes

    async def add(self, item: QuarantineItem) -> int:
        """Keep one message; return its id once it is on disk."""
        return (await self._submit(item)).quarantine_ids[0]

    async def list(self, *, limit: int = 100, before: int | None = None) -> "list[QuarantineEntry]":
        """Return messages from the newest on; *before* is the last id of the page before."""
        query = f"SELECT {_COLUMNS} FROM quarantine WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608
        edge = (1 << 62) if before is None else before
        rows = await self._readers.run(lambda c: c.execute(query, (edge, limit)).fetchall())
        return [_entry(row) for row in rows]

    async def show(self, number: int) -> QuarantineEntry | None:
        """Return one message without its body, None if it is not there."""
        query = f"SELECT {_COLUMNS} FROM quarantine WHERE id = ?"  # noqa: S608
        row = await self._readers.run(lambda c: c.execute(query, (number,)).fetchone())
        return None if row is None else _entry(row)

    async def take(self, number: int) -> tuple[QuarantineEntry, bytes]:
        """Return one message whole, for a replay; it stays until it is dropped.

        Raises:
            LookupError: it is not there.
            StorageError: its body cannot be read.
        """
        return await self._readers.run(lambda c: _take(c, self._ring.folder, number))

    async def drop(self, numbers: Sequence[int]) -> int:
        """Remove messages; return how many of them were there."""
        return await self._writer.run(lambda connection: self._ring.drop(connection, numbers))

    def spool(self) -> Spool:
        """Begin a message whose body is too large to hold in memory; use it with ``async with``.

        Raises:
            StorageBusy: too many are being written.
        """
        return self._spools.begin()

    def close(self) -> None:
        """Wait for what is being spooled; blocks."""
        self._spools.close()

    def _submit(self, item: QuarantineItem) -> "asyncio.Future[WriteResult]":
        batch = WriteBatch()
        batch.quarantined.append(item)
        return self._writer.submit(batch)


def _entry(row: tuple[Any, ...]) -> QuarantineEntry:
    number, received, plugin, source, reason, route, part, headers, size = row
    return QuarantineEntry(
        id=number,
        received=received,
        plugin=plugin,
        source=source,
        reason=reason,
        route=route,
        part=part,
        headers=json.loads(headers),
        size=size,
    )


def _take(
    connection: sqlite3.Connection, folder: Path, number: int
) -> tuple[QuarantineEntry, bytes]:
    query = f"SELECT {_COLUMNS}, body, file FROM quarantine WHERE id = ?"  # noqa: S608
    row = connection.execute(query, (number,)).fetchone()
    if row is None:
        raise LookupError(f"message {number} is not in the quarantine")
    entry, body, file = _entry(row[:9]), row[9], row[10]
    if file is None:
        return entry, bytes(body)
    try:
        return entry, (folder / file).read_bytes()
    except OSError as err:
        raise StorageError(f"the body of message {number} cannot be read: {err}") from err

"""Documents of human scale: users, tokens, areas, labels, settings, helpers, notifications.

Reads come from memory at once. A write is visible at once as well, and its ``await`` returns when
it is on disk; if the disk refuses it, memory goes back to what the disk has. For a few thousand
documents: :meth:`Table.find` looks at each document of its table.
"""

import asyncio
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from operator import and_
from pathlib import Path
from typing import Any

from tinydb import where
from tinydb.queries import QueryInstance

from hub.clock import Clock, SystemClock
from hub.errors import StorageError
from hub.storage.batches import Batches
from hub.storage.generations import Damage, Generations
from hub.storage.journal import Change
from hub.storage.migration import Migration, RawTables, raw
from hub.storage.tables import Database, Doc, JournalledStorage, KeyedTable, plain

MIGRATIONS: tuple[Migration, ...] = ()
"""From schema version 1 on, each leading to the next."""

_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MAX_KEY_CHARACTERS = 255


class Table:
    """The documents of one kind, each under a text key. What is returned are copies."""

    def __init__(self, name: str, rows: KeyedTable, batches: Batches) -> None:
        self.name = name
        self._rows = rows
        self._batches = batches

    def get(self, key: str) -> Doc | None:
        """Return the document, or None."""
        document = self._rows.get(doc_id=key)  # type: ignore[call-overload]  # typed for int ids
        return None if document is None else plain(document, key)

    def all(self) -> dict[str, Doc]:
        """Return every document by its key, in the order in which the keys were first put."""
        return _copies(self._rows.all())

    def find(self, /, **equal: object) -> dict[str, Doc]:
        """Return the documents, by key, whose fields have exactly these values."""
        if not equal:
            return self.all()
        tests: Iterable[QueryInstance] = (where(name) == value for name, value in equal.items())
        return _copies(self._rows.search(reduce(and_, tests)))

    async def put(self, key: str, document: Doc) -> None:
        """Insert the document or replace the one that is there; returns when it is on disk.

        Raises:
            StorageFull: no space left, nothing changed.
            StorageBusy: too many changes wait, nothing changed.
            StorageError: the document is no JSON, or the disk failed; nothing changed.
        """
        if not key or len(key) > _MAX_KEY_CHARACTERS:
            raise StorageError(
                f"table {self.name}: expected a key of 1 to {_MAX_KEY_CHARACTERS} characters, "
                f"got {len(key)}"
            )
        self._rows.put(key, document)
        await self._batches.durable()

    async def update(self, key: str, /, **fields: object) -> Doc | None:
        """Set these fields of the document and return it whole; None if there is no such key.

        Raises:
            StorageError: as for :meth:`put`.
        """
        if not self._rows.update(fields, doc_ids=[key]):  # type: ignore[list-item]  # int ids
            return None
        document = self.get(key)
        await self._batches.durable()
        return document

    async def delete(self, key: str) -> bool:
        """Delete the document and tell whether there was one; returns when that is on disk.

        Raises:
            StorageError: as for :meth:`put`.
        """
        is_there = key in self
        if is_there:
            self._rows.remove(doc_ids=[key])  # type: ignore[list-item]  # typed for int ids
        # Also when it was gone already: that deletion may still be on its way to the disk.
        await self._batches.durable()
        return is_there

    def __contains__(self, key: str) -> bool:
        return self._rows.contains(doc_id=key)  # type: ignore[arg-type]  # typed for int ids

    def __iter__(self) -> Iterator[str]:
        return iter([str(document.doc_id) for document in self._rows])

    def __len__(self) -> int:
        return len(self._rows)


class Documents:
    """All tables of documents of one hub; made by :meth:`open`, ended by :meth:`close`."""

    def __init__(self, batches: Batches, tables: RawTables, problems: list[Damage]) -> None:
        self.problems = problems
        self._batches = batches
        self._storage = JournalledStorage(tables, batches)
        self._database = Database(storage=lambda: self._storage)
        self._tables: dict[str, Table] = {}
        batches.on_failure = self._restore

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        migrations: Sequence[Migration] = MIGRATIONS,
        clock: Clock | None = None,
    ) -> "Documents":
        """Open or create the documents in *folder*; damage is mended and told in *problems*.

        Raises:
            NewerSchema: a newer version of the hub wrote them; nothing was changed.
            StorageError: they can't be read or written, or a migration failed.
        """
        now = (clock or SystemClock()).now()
        executor = ThreadPoolExecutor(1, thread_name_prefix="documents")
        opening = partial(_open, folder, migrations, _stamp(now))
        try:
            files, tables, problems = await asyncio.get_running_loop().run_in_executor(
                executor, opening
            )
        except BaseException:
            executor.shutdown(wait=False)
            raise
        return cls(Batches(files, executor), tables, problems)

    @property
    def sync_count(self) -> int:
        """How many times changes were synced to the disk since the start."""
        return self._batches.files.sync_count

    def table(self, name: str) -> Table:
        """Return the table of that name; it comes into being with its first document.

        Raises:
            StorageError: the name has other characters than a-z, 0-9 and _.
        """
        if name not in self._tables:
            if not _TABLE_NAME.fullmatch(name):
                raise StorageError(f"expected a table name of a-z, 0-9 and _, got {name!r}")
            self._tables[name] = Table(name, self._rows(name), self._batches)
        return self._tables[name]

    async def snapshot(self) -> bytes:
        """Return all documents as they are on disk, as the contents of a ``documents.json``."""
        return await self._batches.snapshot()

    async def close(self) -> None:
        """Write what waits and close the files; twice is harmless."""
        await self._batches.close()

    def _rows(self, name: str) -> KeyedTable:
        rows = self._database.table(name)
        if not isinstance(rows, KeyedTable):
            raise StorageError(f"table {name} has no keys")
        return rows

    def _restore(self, changes: Iterable[Change]) -> None:
        bodies = self._batches.files.bodies
        for table, key in {(change.table, change.key) for change in changes}:
            self._storage.restore(table, key, bodies.get(table, {}).get(key))
            self._rows(table).clear_cache()


def _open(
    folder: Path, migrations: Sequence[Migration], stamp: str
) -> tuple[Generations, RawTables, list[Damage]]:
    files, problems = Generations.open(folder, migrations, stamp)
    return files, raw(files.bodies), problems


def _copies(documents: Iterable[Any]) -> dict[str, Doc]:
    return {str(document.doc_id): plain(document, str(document.doc_id)) for document in documents}


def _stamp(now: dt.datetime) -> str:
    return f"{now:%Y%m%dT%H%M%SZ}"

"""The quarantine inside the database: a ring of messages with a bound on its bytes."""

import json
import os
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from hub.storage.statements import Tick
from hub.storage.writes import QuarantineItem

MIB = 1 << 20
INLINE_BYTES = MIB
"""Bodies above this lie in files of their own."""
_ROW_BYTES = 256  # what a row costs beside its texts, so that empty messages are bounded too
_LONGEST_TEXT = 2000
_CHUNK = 256 * 1024
_SECRET_HEADERS = frozenset({"cookie", "set-cookie", "authentication-info"})
_SECRET_PARTS = ("authorization", "token", "secret", "password", "api-key", "apikey", "session")
_COST = f"size + length(headers) + length(reason) + length(source) + {_ROW_BYTES}"


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Return *headers* without those whose name tells that they carry a secret."""
    return {
        name: value
        for name, value in headers.items()
        if (low := name.lower()) not in _SECRET_HEADERS
        and not any(part in low for part in _SECRET_PARTS)
    }


class Ring:
    """Keeps messages and lets the oldest go; all methods run on the writer's thread.

    A change becomes visible in ``count``, ``byte_count`` and the ``dropped_*`` counts when the
    writer calls `committed`; `rolled_back` undoes what it did to files.
    """

    def __init__(self, folder: Path, *, max_bytes: int = 256 * MIB) -> None:
        self.folder = folder / "quarantine"
        self.max_bytes = max_bytes
        self.count = 0
        self.byte_count = 0
        self.dropped_count = 0
        self.dropped_bytes = 0
        self._new_files: list[Path] = []
        self._old_files: list[Path] = []
        self._added = [0, 0]  # count and bytes, within the open transaction
        self._dropped = [0, 0]

    def load(self, connection: sqlite3.Connection) -> None:
        """Count what is there, and remove files to which no row leads."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.count, self.byte_count = connection.execute(
            f"SELECT count(*), coalesce(sum({_COST}), 0) FROM quarantine"  # noqa: S608
        ).fetchone()
        for key, value in connection.execute(
            "SELECT key, value FROM meta WHERE key IN ('dropped_count', 'dropped_bytes')"
        ):
            setattr(self, key, value)
        known = {
            row[0] for row in connection.execute("SELECT file FROM quarantine WHERE file NOT NULL")
        }
        for path in self.folder.iterdir():
            if path.name not in known:
                path.unlink()

    def keep(
        self, connection: sqlite3.Connection, items: Sequence[QuarantineItem], tick: Tick
    ) -> tuple[int, ...]:
        """Store *items* and drop the oldest until all fit; return their ids."""
        ids = tuple(self._insert(connection, item, tick) for item in items)
        over = self.byte_count + self._added[1] - self._dropped[1] - self.max_bytes
        if over > 0:
            self._drop_oldest(connection, over)
        return ids

    def drop(self, connection: sqlite3.Connection, ids: Sequence[int]) -> int:
        """Remove messages on somebody's wish; return how many there were."""
        found = 0
        for number in ids:
            row = connection.execute(
                f"SELECT {_COST}, file FROM quarantine WHERE id = ?",  # noqa: S608
                (number,),
            ).fetchone()
            if row is not None:
                found += 1
                self._remove(connection, number, row[1])
                self._added[0] -= 1
                self._added[1] -= row[0]
        return found

    def committed(self) -> None:
        """Make the transaction's changes count, and delete the bodies of dropped messages."""
        if not (self._new_files or self._old_files or any(self._added) or any(self._dropped)):
            return
        self.count += self._added[0] - self._dropped[0]
        self.byte_count += self._added[1] - self._dropped[1]
        self.dropped_count += self._dropped[0]
        self.dropped_bytes += self._dropped[1]
        self._forget(self._old_files)

    def rolled_back(self) -> None:
        """Forget the transaction's changes, and delete the bodies it wrote."""
        self._forget(self._new_files)

    def _forget(self, unwanted: list[Path]) -> None:
        for path in unwanted:
            path.unlink(missing_ok=True)
        self._new_files, self._old_files = [], []
        self._added, self._dropped = [0, 0], [0, 0]

    def _insert(self, connection: sqlite3.Connection, item: QuarantineItem, tick: Tick) -> int:
        body: bytes | None = item.body
        file = item.file
        if file is None and len(item.body) > INLINE_BYTES:
            file, body = self._write(item.body, tick), None
        headers = json.dumps(without_secrets(item.headers))
        reason, source = item.reason[:_LONGEST_TEXT], item.source[:_LONGEST_TEXT]
        cursor = connection.execute(
            "INSERT INTO quarantine(received, plugin, source, reason, route, part, headers, size,"
            " body, file) VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                item.received,
                item.plugin,
                source,
                reason,
                item.route[:_LONGEST_TEXT],
                item.part[:_LONGEST_TEXT],
                headers,
                item.byte_count,
                None if file else body,
                file,
            ),
        )
        tick()
        self._added[0] += 1
        self._added[1] += item.byte_count + len(headers) + len(reason) + len(source) + _ROW_BYTES
        return int(cursor.lastrowid or 0)

    def _write(self, body: bytes, tick: Tick) -> str:
        path = self.folder / secrets.token_hex(16)
        self._new_files.append(path)
        view = memoryview(body)
        with path.open("xb") as file:
            for start in range(0, len(body), _CHUNK):
                file.write(view[start : start + _CHUNK])
                tick()
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self.folder)
        tick()
        return path.name

    def _drop_oldest(self, connection: sqlite3.Connection, over: int) -> None:
        while over > 0:
            rows = connection.execute(
                f"SELECT id, {_COST}, file FROM quarantine ORDER BY id LIMIT 100"  # noqa: S608
            ).fetchall()
            for number, cost, file in rows:
                self._remove(connection, number, file)
                self._dropped[0] += 1
                self._dropped[1] += cost
                over -= cost
                if over <= 0:
                    break
            if not rows:
                break
        connection.executemany(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            [
                ("dropped_count", self.dropped_count + self._dropped[0]),
                ("dropped_bytes", self.dropped_bytes + self._dropped[1]),
            ],
        )

    def _remove(self, connection: sqlite3.Connection, number: int, file: str | None) -> None:
        connection.execute("DELETE FROM quarantine WHERE id = ?", (number,))
        if file is not None:
            self._old_files.append(self.folder / file)


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Writing the documents: appends to the journal, and compaction from one generation to the next.

Everything here blocks and belongs to one thread at a time.
"""

import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from hub.errors import NewerSchema, StorageError, StorageFull
from hub.storage.durable import (
    PRIVATE,
    explained,
    replace_file,
    set_aside,
    sync_folder,
    write_verified,
)
from hub.storage.journal import Change, Header, Journal, encode_header, encode_record
from hub.storage.migration import Migration, migrate, raw, schema_of
from hub.storage.recovery import Found, Layout, apply, read
from hub.storage.snapshot import Bodies, Snapshot, encode

log = logging.getLogger(__name__)

SLACK_BYTES = 64 << 10
"""By how much the journal may outgrow the snapshot before the two are compacted."""

MAX_BYTES = 64 << 20
"""What all documents together may take as JSON: far more than human scale."""


@frozen
class Damage:
    """Something was wrong on disk: the file, where its contents were kept, and a sentence."""

    file: Path
    kept: Path | None
    message: str


class Generations:
    """The files of the documents, and what they hold as JSON text per key."""

    def __init__(self, layout: Layout, schema: int, found: Found) -> None:
        self.bodies: Bodies = found.bodies
        self.byte_count = sum(len(body) for rows in found.bodies.values() for body in rows.values())
        self.sync_count = 0
        self._layout = layout
        self._schema = schema
        self._sequence = found.sequence
        self._compact_at = found.snapshot_bytes + SLACK_BYTES
        self._journal: Journal | None = None
        self._is_settled = True

    @classmethod
    def open(
        cls, folder: Path, migrations: Sequence[Migration], stamp: str
    ) -> tuple["Generations", list[Damage]]:
        """Open the files in *folder*, make them good where they are not, and tell what was wrong.

        *stamp* goes into the names under which damaged files are kept.

        Raises:
            NewerSchema: a newer version of the hub wrote them; nothing was changed.
            StorageError: they can't be read or written, or a migration failed.
        """
        layout = Layout(folder)
        found = read(layout)
        schema = schema_of(migrations)
        if found.newest_schema > schema:
            raise NewerSchema(
                f"{layout.snapshot} was written by a newer version of the hub (schema "
                f"{found.newest_schema}, this one knows {schema}); start that version again"
            )
        written = found.schema or schema
        old = Snapshot(schema=written, sequence=found.sequence, bodies=found.bodies)
        if written < schema:
            found.bodies = migrate(raw(found.bodies), written, migrations)
        files = cls(layout, schema, found)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            damage = _keep_damaged(found, layout, stamp)
            if written < schema:
                replace_file(layout.kept_snapshot(written), encode(old))
            files._start(found, is_chained=written == schema and not found.is_damaged())
        except OSError as error:
            files.close()
            raise explained(error, folder) from error
        return files, damage

    @property
    def is_compaction_due(self) -> bool:
        """Whether the journal has outgrown the snapshot."""
        return self._journal is not None and self._journal.size > self._compact_at

    def append(self, changes: Sequence[Change]) -> None:
        """Put *changes* on disk with one sync; all of them, or none.

        Raises:
            StorageFull: no space left, or more documents than the hub is made for.
            StorageError: the disk failed, or the files are closed.
        """
        if self._journal is None:
            raise StorageError("the documents are closed")
        grown = self.byte_count + sum(self._growth(change) for change in changes)
        if grown > max(MAX_BYTES, self.byte_count):
            raise StorageFull(
                f"{self._layout.snapshot}: the documents would take more than "
                f"{MAX_BYTES >> 20} MiB; delete some"
            )
        lines = [
            encode_record(number, change)
            for number, change in enumerate(changes, start=self._sequence + 1)
        ]
        try:
            self._settle()
            self._journal.append(b"".join(lines))
        except OSError as error:
            raise explained(error, self._journal.path) from error
        self.sync_count += 1
        self._sequence += len(changes)
        for change in changes:
            self.byte_count += self._growth(change)
            apply(self.bodies, change)

    def compact(self) -> None:
        """Write a new snapshot and journal; the ones before stay as the older generation.

        A failure is logged and costs nothing: the journal in use goes on growing.
        """
        try:
            self._rotate()
        except OSError as error:
            log.warning("documents not compacted reason=%s", explained(error, self._layout.folder))
            size = self._journal.size if self._journal is not None else 0
            self._compact_at = 2 * size + SLACK_BYTES

    def snapshot(self) -> bytes:
        """Return all documents as the file of a snapshot."""
        return encode(Snapshot(schema=self._schema, sequence=self._sequence, bodies=self.bodies))

    def close(self) -> None:
        """Close the journal; twice is harmless."""
        journal, self._journal = self._journal, None
        if journal is not None:
            journal.close()

    def _rotate(self) -> None:
        # After each step the files still lead to the same documents: see recovery.read.
        at = self._layout
        fresh_snapshot = at.snapshot.with_name(f"{at.snapshot.name}.new")
        fresh_journal = at.journal.with_name(f"{at.journal.name}.new")
        data, header = self.snapshot(), encode_header(self._header())
        write_verified(fresh_snapshot, data)
        write_verified(fresh_journal, header)
        journal = Journal(fresh_journal, len(header))
        try:
            with contextlib.suppress(FileNotFoundError):
                at.snapshot.replace(at.older_snapshot)
            fresh_snapshot.replace(at.snapshot)
            sync_folder(at.folder)
            with contextlib.suppress(FileNotFoundError):
                at.journal.replace(at.older_journal)
            fresh_journal.replace(at.journal)
        except OSError:
            journal.close()
            raise
        journal.path = at.journal
        self._use(journal, len(data))
        self._is_settled = False
        self._settle()

    def _settle(self) -> None:
        """Sync the journal's new name: nothing in it is safe before that."""
        if not self._is_settled:
            sync_folder(self._layout.folder)
            self._is_settled = True

    def _renew(self) -> None:
        """Write both generations anew: the old files are no chain, or of another schema."""
        at = self._layout
        data = self.snapshot()
        replace_file(at.snapshot, data)
        replace_file(at.older_snapshot, data)
        self._use(Journal.create(at.journal, self._header()), len(data))
        at.older_journal.unlink(missing_ok=True)
        sync_folder(at.folder)

    def _start(self, found: Found, *, is_chained: bool) -> None:
        at = self._layout
        for path in (at.snapshot, at.older_snapshot, at.older_journal):
            with contextlib.suppress(FileNotFoundError):
                path.chmod(PRIVATE)
        if is_chained and found.journal.header is not None:
            self._use(Journal(at.journal, found.journal.size), found.snapshot_bytes)
        elif is_chained and found.sequence == 0:
            self._use(Journal.create(at.journal, self._header()), 0)
        else:  # also after a crash between the last two steps of _rotate
            self._renew()

    def _use(self, journal: Journal, snapshot_bytes: int) -> None:
        self.close()
        self._journal = journal
        self._compact_at = snapshot_bytes + SLACK_BYTES

    def _header(self) -> Header:
        return Header(self._sequence, self._schema)

    def _growth(self, change: Change) -> int:
        before = self.bodies.get(change.table, {}).get(change.key, b"")
        return len(change.body or b"") - len(before)


def _keep_damaged(found: Found, layout: Layout, stamp: str) -> list[Damage]:
    damage = []
    fate = "all documents were recovered"
    if found.lost_count:
        fate = f"{found.lost_count} change(s) are lost; look into a backup"
    for path, reason in found.damaged.items():
        kept = set_aside(path, stamp)
        damage.append(Damage(path, kept, f"{path} is damaged ({reason}), kept as {kept}: {fate}"))
    if found.lost_count and not damage:
        damage.append(Damage(layout.snapshot, None, f"{layout.snapshot} is missing: {fate}"))
    for item in damage:
        log.error("documents damaged problem=%s", item.message)
    return damage

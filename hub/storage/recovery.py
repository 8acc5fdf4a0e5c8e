"""Reading the documents back from disk: two generations of snapshot and journal, and damage.

```
documents.json.1   the snapshot before          documents.journal.1   the changes after it
documents.json     the newest snapshot          documents.journal     the changes after it
```

The newest snapshot that verifies is the base; every later change of both journals is put on top.
So one damaged snapshot costs nothing, and compaction may stop between any two of its steps.
"""

from pathlib import Path

from attrs import Factory, define, frozen

from hub.storage.durable import explained
from hub.storage.journal import Change, Scan, scan
from hub.storage.snapshot import Bodies, Snapshot, decode


@frozen
class Layout:
    """The names of the files in one folder."""

    folder: Path

    @property
    def snapshot(self) -> Path:
        """The newest snapshot."""
        return self.folder / "documents.json"

    @property
    def journal(self) -> Path:
        """The changes after the newest snapshot."""
        return self.folder / "documents.journal"

    @property
    def older_snapshot(self) -> Path:
        """The snapshot before the newest."""
        return self.folder / "documents.json.1"

    @property
    def older_journal(self) -> Path:
        """The changes between the two snapshots."""
        return self.folder / "documents.journal.1"

    def kept_snapshot(self, schema: int) -> Path:
        """The documents as they were before a migration from *schema*."""
        return self.folder / f"documents.json.v{schema}"


@define
class Found:
    """What the files of a folder hold, and what is wrong with them.

    *schema* is that of *bodies* and None for an empty folder, *newest_schema* the highest that
    any file names. *lost_count* counts the changes that no file holds any more.
    """

    bodies: Bodies = Factory(dict)
    sequence: int = 0
    schema: int | None = None
    newest_schema: int = 0
    snapshot_bytes: int = 0
    journal: Scan = Factory(Scan)
    damaged: dict[Path, str] = Factory(dict)
    lost_count: int = 0

    def is_damaged(self) -> bool:
        """Tell whether something does not verify or is missing."""
        return bool(self.damaged or self.lost_count)


def read(layout: Layout) -> Found:
    """Read everything that verifies, without changing anything on disk.

    Raises:
        StorageError: a file exists and can't be read.
    """
    found = Found()
    try:
        newest = _snapshot(layout.snapshot, found)
        older = _snapshot(layout.older_snapshot, found)
        journals = [_journal(path, found) for path in (layout.older_journal, layout.journal)]
    except OSError as error:
        raise explained(error, layout.folder) from error
    base = newest or older
    if base is not None:
        found.bodies, found.sequence, found.schema = base.bodies, base.sequence, base.schema
    for journal in journals:
        _replay(journal, found)
    found.journal = journals[-1]
    return found


def apply(bodies: Bodies, change: Change) -> None:
    """Do *change* to *bodies*."""
    rows = bodies.setdefault(change.table, {})
    if change.body is None:
        rows.pop(change.key, None)
    else:
        rows[change.key] = change.body


def _snapshot(path: Path, found: Found) -> Snapshot | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        snapshot = decode(data)
    except (ValueError, RecursionError) as error:
        found.damaged[path] = str(error)
        return None
    found.newest_schema = max(found.newest_schema, snapshot.schema)
    found.snapshot_bytes = max(found.snapshot_bytes, len(data))
    return snapshot


def _journal(path: Path, found: Found) -> Scan:
    lines = scan(path)
    if lines.damaged_count:
        found.damaged[path] = f"{lines.damaged_count} damaged line(s)"
    if lines.header is not None:
        found.newest_schema = max(found.newest_schema, lines.header.schema)
    return lines


def _replay(journal: Scan, found: Found) -> None:
    if journal.header is not None:
        found.schema = found.schema or journal.header.schema
        _advance(journal.header.sequence, found)
    for record in journal.records:
        if record.sequence > found.sequence:
            _advance(record.sequence - 1, found)
            found.sequence = record.sequence
            apply(found.bodies, record.change)


def _advance(sequence: int, found: Found) -> None:
    """Note that the changes up to *sequence* should be known by now."""
    found.lost_count += max(0, sequence - found.sequence)
    found.sequence = max(found.sequence, sequence)

"""What the ingest path hands to the writer, and what it gets back."""

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

Num = int | float | None
ReadingRow = tuple[int, int, int, Num, str | None, int, int]
"""``(series, at, seq, num, raw, lag, flags)``; at and lag (received - at) in microseconds."""
LatestRow = tuple[int, int, Num, str | None, int, int]
"""``(series, at, num, raw, changed_at, lag)``; times in microseconds."""
RecordRow = tuple[str, str, bytes | None]
"""``(kind, key, JSON body)``; None as body deletes the record."""

NEW: Final = 0
DUPLICATE: Final = 1
REPLACED: Final = 2

SUSPECT: Final = 1
"""Bit of a reading's flags: the device's clock cannot be right."""

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US


@frozen(kw_only=True)
class QuarantineItem:
    """A message on its way into the quarantine.

    ``received`` is in microseconds. ``file`` names a spooled body, in which case ``body`` is empty
    and ``size`` says how long it is.
    """

    received: int
    plugin: str
    source: str
    reason: str
    body: bytes = b""
    route: str = ""
    part: str = ""
    headers: Mapping[str, str] = field(factory=dict)
    file: str | None = None
    size: int = 0

    @property
    def byte_count(self) -> int:
        """How many bytes the body has, wherever it lies."""
        return self.size if self.file else len(self.body)


@frozen
class WriteResult:
    """What became of a committed batch.

    ``outcomes`` holds NEW, DUPLICATE or REPLACED for each row of ``checked``, in order.
    ``fresh_outcomes`` is the same for ``fresh``, and None in the usual case that all were new: it
    is only there if a row that was handed over as strictly newer turned out to exist already.
    """

    outcomes: bytes = b""
    quarantine_ids: tuple[int, ...] = ()
    fresh_outcomes: bytes | None = None


class WriteBatch:
    """All that one message writes; it is stored in one transaction or not at all.

    ``fresh`` rows are strictly newer than anything stored or in flight for their series;
    ``checked`` rows may exist already. ``keep_both`` names the series of which a second value for
    one moment is kept beside the first (with the next ``seq``) instead of replacing it. ``dirty``
    holds ``(series, hour number)`` for the roll-ups. The writer sets ``result`` on the loop,
    before the future is done and ``on_committed`` is called.
    """

    __slots__ = ("checked", "dirty", "fresh", "keep_both", "quarantined", "records", "result")

    def __init__(self) -> None:
        self.fresh: list[ReadingRow] = []
        self.checked: list[ReadingRow] = []
        self.keep_both: set[int] = set()
        self.records: list[RecordRow] = []
        self.dirty: list[tuple[int, int]] = []
        self.quarantined: list[QuarantineItem] = []
        self.result: WriteResult | None = None

    @property
    def row_count(self) -> int:
        """How many rows it wants to write."""
        return (
            len(self.fresh)
            + len(self.checked)
            + len(self.records)
            + len(self.dirty)
            + len(self.quarantined)
        )

    @property
    def byte_count(self) -> int:
        """How much memory it holds, roughly."""
        size = 200 * self.row_count
        for rows in (self.fresh, self.checked):
            for row in rows:
                raw = row[4]
                if raw is not None:
                    size += len(raw)
        for _kind, _key, body in self.records:
            if body is not None:
                size += len(body)
        for item in self.quarantined:
            size += len(item.body)
        return size

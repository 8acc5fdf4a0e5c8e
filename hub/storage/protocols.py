"""What the rooms above ask of the stores, whatever keeps the data.

Whoever only needs one of these takes it as a parameter, so that another database can stand behind
it. The classes of the same modules (`writer`, `history`, `records`, `quarantine`) are today's.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hub.storage.rows import Bucket, QuarantineEntry, Row
from hub.storage.writes import LatestRow, QuarantineItem, WriteBatch, WriteResult


class BatchWriter(Protocol):
    """Stores batches in the order in which they are handed over."""

    def submit(self, batch: WriteBatch, *, is_urgent: bool = True) -> "asyncio.Future[WriteResult]":
        """Hand over *batch*; the future is done once it is on disk.

        Raises:
            StorageBusy: too much waits already.
        """
        ...

    def submit_latest(self, rows: Sequence[LatestRow]) -> "asyncio.Future[Any]":
        """Write the last value of each series, some time soon."""
        ...


class ReadingStore(Protocol):
    """Answers questions about the past; times are microseconds since 1970, UTC."""

    async def rows(
        self,
        series: int,
        start: int = ...,
        end: int = ...,
        *,
        limit: int = ...,
        after: tuple[int, int] | None = None,
        is_descending: bool = False,
    ) -> list[Row]:
        """Return at most *limit* rows of a span, in the order of their time."""
        ...

    async def at_or_before(self, series: int, moment: int) -> Row | None:
        """Return the newest row that is not after *moment*."""
        ...

    async def buckets(self, series: int, start: int, end: int, width: int) -> list[Bucket]:
        """Return minimum, mean and maximum per *width* of a span, without the empty ones."""
        ...

    async def rollups(self, series: int, start: int, end: int, *, is_daily: bool) -> list[Bucket]:
        """Return the hourly or daily roll-ups that begin in a span."""
        ...

    async def count(self, series: int, start: int = ..., end: int = ...) -> int:
        """Return how many rows a span holds."""
        ...


class RecordStore(Protocol):
    """Keeps JSON bodies by kind and key."""

    async def declare(self, kind: str, indexes: Mapping[str, str]) -> None:
        """Say by which paths records of *kind* will be looked for."""
        ...

    async def get(self, kind: str, key: str) -> bytes | None:
        """Return the body of one record, None if there is none."""
        ...

    async def all(self, kind: str) -> list[tuple[str, bytes]]:
        """Return every record of *kind*, ordered by key."""
        ...

    async def find(
        self, kind: str, index: str, value: str | float | None, *, limit: int = ...
    ) -> list[tuple[str, bytes]]:
        """Return the records of *kind* that hold *value* where *index* points."""
        ...

    async def put(self, kind: str, key: str, body: bytes) -> None:
        """Store a record; returns when it is on disk."""
        ...

    async def delete(self, kind: str, key: str) -> None:
        """Delete a record; returns when that is on disk."""
        ...


class QuarantineStore(Protocol):
    """Keeps messages that were genuine but not understood, up to a bound."""

    async def add(self, item: QuarantineItem) -> int:
        """Keep one message; return its id once it is on disk."""
        ...

    async def list(self, *, limit: int = ..., before: int | None = None) -> "list[QuarantineEntry]":
        """Return messages from the newest on."""
        ...

    async def show(self, number: int) -> QuarantineEntry | None:
        """Return one message without its body."""
        ...

    async def take(self, number: int) -> tuple[QuarantineEntry, bytes]:
        """Return one message whole, for a replay.

        Raises:
            LookupError: it is not there.
        """
        ...

    async def drop(self, numbers: Sequence[int]) -> int:
        """Remove messages; return how many of them were there."""
        ...

"""One piece of work on its way through the writer."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from attrs import frozen

from hub.storage.writes import WriteBatch

T = TypeVar("T")
Apply = Callable[[sqlite3.Connection], Any]


@frozen
class Slice(Generic[T]):
    """What a piece of background work returned, and how many seconds the writer was busy."""

    value: T
    seconds: float


class Job:
    """A batch or a function that runs in a transaction, and who waits for it.

    Background work without a function is there to wait for its turn.

    ``moment`` is the loop's time when it was handed over; ``page_count`` how many pages it moves
    without changing rows.
    """

    __slots__ = (
        "apply",
        "batch",
        "byte_count",
        "error",
        "future",
        "is_urgent",
        "moment",
        "number",
        "page_count",
        "result",
        "row_count",
        "seconds",
        "wants_checkpoint",
    )

    def __init__(
        self,
        number: int,
        future: "asyncio.Future[Any]",
        *,
        batch: WriteBatch | None = None,
        apply: Apply | None = None,
        is_urgent: bool = True,
    ) -> None:
        self.number = number
        self.future = future
        self.batch = batch
        self.apply = apply
        self.is_urgent = is_urgent
        self.row_count = 1 if batch is None else batch.row_count
        self.byte_count = 0 if batch is None else batch.byte_count
        self.moment = future.get_loop().time()
        self.result: Any = None
        self.error: Exception | None = None
        self.seconds = 0.0
        self.page_count = 0
        self.wants_checkpoint = False

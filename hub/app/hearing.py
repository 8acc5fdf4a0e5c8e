"""Listening to what becomes of the batches that one call of a handler stores."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hub.model import IngestResult

_RESULTS: ContextVar[list[IngestResult] | None] = ContextVar("results", default=None)


@contextmanager
def hear_results() -> Iterator[list[IngestResult]]:
    """Gather the results of what this task, and what it awaits, stores inside the context."""
    results: list[IngestResult] = []
    token = _RESULTS.set(results)
    try:
        yield results
    finally:
        _RESULTS.reset(token)


def tell_result(result: IngestResult) -> None:
    """Pass a result on to whoever listens."""
    results = _RESULTS.get()
    if results is not None:
        results.append(result)

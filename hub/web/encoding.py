"""Large JSON answers in slices, so that the loop is never held for long."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import msgspec

SLICE_SECONDS = 0.005
CHUNK_BYTES = 64 * 1024


def _anything(value: object) -> str:
    return str(value)


_ENCODER = msgspec.json.Encoder(enc_hook=_anything)


def encode(value: Any) -> bytes:  # noqa: ANN401 - JSON is anything
    """Encode a value; what JSON has no form for becomes its text."""
    return _ENCODER.encode(value)


class Pieces:
    """Gathers encoded bytes until they are worth sending."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._since = time.perf_counter()

    def add(self, data: bytes) -> bool:
        """Hold *data*; tell whether it is time to send."""
        self._held.append(data)
        self._size += len(data)
        return self._size >= CHUNK_BYTES or time.perf_counter() - self._since >= SLICE_SECONDS

    async def take(self) -> bytes:
        """Let others run, and return what is held."""
        data = b"".join(self._held)
        self._held.clear()
        self._size = 0
        await asyncio.sleep(0)
        self._since = time.perf_counter()
        return data


async def array(items: Iterable[Any]) -> AsyncGenerator[bytes, None]:
    """Encode a JSON array item by item, in chunks of about 64 KiB or 5 ms."""
    pieces = Pieces()
    mark = b"["
    for item in items:
        if pieces.add(mark + encode(item)):
            yield await pieces.take()
        mark = b","
    pieces.add(b"[]" if mark == b"[" else b"]")
    yield await pieces.take()

"""Disks that fail: seams through which a test makes storage misbehave."""

import asyncio
import errno
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub.errors import StorageError
from hub.storage.writer import Writer

_LONGEST = 60.0
_PAUSE = 0.01


@asynccontextmanager
async def stalled_writer(writer: Writer) -> AsyncIterator[None]:
    """Let the disk not answer until the block ends.

    Whoever waits for it is told to come back after a second; what waits is written afterwards.
    """
    released = threading.Event()

    def wait(_place: str) -> None:
        released.wait(_LONGEST)

    writer.fault = wait
    try:
        yield
    finally:
        writer.fault = None
        released.set()
        await _recovered(writer)


@asynccontextmanager
async def full_disk(writer: Writer) -> AsyncIterator[None]:
    """Let the disk have no space left until the block ends."""

    def refuse(_place: str) -> None:
        raise OSError(errno.ENOSPC, "no space left on the disk (a test's)")

    writer.fault = refuse
    try:
        yield
    finally:
        writer.fault = None
        await _recovered(writer)


async def _recovered(writer: Writer) -> None:
    """Wait until the writer writes again, so that the test need not."""
    async with asyncio.timeout(_LONGEST):
        while True:
            try:
                await writer.run(lambda _connection: None)
            except StorageError:
                await asyncio.sleep(_PAUSE)
            else:
                return

"""Raw HTTP for tests that care about bytes and about waiting."""

import asyncio
from collections.abc import Callable

from hub.app import App
from tests.benchmarks.load import TOKEN


def port_of(app: App) -> int:
    """Return the port a hub listens on."""
    return int(app.urls["http"].rsplit(":", 1)[1])


async def post(
    app: App, body: bytes, path: str = "/api/v4/measurements", token: str = TOKEN
) -> tuple[int, bytes]:
    """Send a message over a connection of its own; return status and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(app))
    try:
        writer.write(
            b"POST %s HTTP/1.1\r\nHost: hub\r\nX-Api-Token: %s\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n"
            % (path.encode(), token.encode(), len(body))
        )
        for start in range(0, len(body), 1 << 18):
            writer.write(body[start : start + (1 << 18)])
            await writer.drain()
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head[9:12]), content


async def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until *holds* is true."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - nothing to wait for but the fact itself
            await asyncio.sleep(0.01)

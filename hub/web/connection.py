"""aiohttp's connections, counted and bounded, and with a quiet answer to what is no HTTP."""

import asyncio
import logging
from typing import Any

from aiohttp import web

from hub.clock import Clock
from hub.http import Response
from hub.web.counts import Counts, Repeats
from hub.web.dialect import CORE, Dialect, core_problem
from hub.web.reply import Dates, Reply

log = logging.getLogger(__name__)
_LAST_GRACE = 0.25
_BODY = b'{"message": "this is not an HTTP request that the hub understands"}'


class Connections:
    """What all connections of a server share."""

    def __init__(self, counts: Counts, clock: Clock, *, most: int) -> None:
        self.counts = counts
        self.clock = clock
        self.most = most
        self.open_count = 0
        self.dialect = Dialect(counts.of(CORE), core_problem, {}, None)
        self.repeats = Repeats(clock)
        self.dates = Dates()


class Connection(web.RequestHandler):
    """One connection of a client."""

    __slots__ = ("_is_counted", "_shared")

    def __init__(self, server: web.Server, shared: Connections, **options: Any) -> None:  # noqa: ANN401
        super().__init__(server, **options)
        self._shared = shared
        self._is_counted = False

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - asyncio's transports
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        shared = self._shared
        shared.open_count += 1
        self._is_counted = True
        if shared.open_count > shared.most:
            shared.counts.refused_connection_count += 1
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let a connection go."""
        if self._is_counted:
            self._is_counted = False
            self._shared.open_count -= 1
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what aiohttp itself refuses, and close the connection.

        What came is not logged: it may hold a token.
        """
        shared = self._shared
        if status == 400:
            shared.counts.bad_message_count += 1
            quiet_count = shared.repeats.count_since_last("bad message")
            if quiet_count is not None:
                log.info(
                    "not understood peer=%s problem=%s quiet=%d",
                    request.remote, type(exc).__name__, quiet_count,
                )  # fmt: skip
        else:
            log.error("connection failed status=%d", status, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("a part of an answer is on the wire already")
        shared.dialect.tally.statuses[status] += 1
        date = shared.dates.line(shared.clock.now_us())
        reply = Reply(Response(status, _BODY), shared.dialect, date)
        reply.close_after()
        return reply


class HttpServer(web.Server):
    """Makes the connections of all listeners."""

    def __init__(self, handler: Any, shared: Connections, **options: Any) -> None:  # noqa: ANN401
        super().__init__(handler)
        self._shared = shared
        self._options = options

    def __call__(self) -> Connection:
        """Make the protocol of a new connection."""
        return Connection(self, self._shared, loop=self._loop, **self._options)

    async def close(self) -> None:
        """Close every connection; what a handler still does there is cancelled."""
        self.pre_shutdown()
        await asyncio.sleep(0)
        left = self.connections
        # One connection that fails to close must not keep the others open.
        await asyncio.gather(
            *(connection.shutdown(_LAST_GRACE) for connection in left), return_exceptions=True
        )
        for connection in left:
            connection.force_close()

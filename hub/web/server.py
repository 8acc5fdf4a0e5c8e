"""The HTTP server: listeners around one route table, from the first byte to a clean stop."""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from hub.clock import Clock
from hub.errors import HubError
from hub.http import Route
from hub.web import auth, unix
from hub.web.body import BodyReader, Spools
from hub.web.connection import Connections, HttpServer
from hub.web.dialect import CORE
from hub.web.edge import Authenticate, Edge
from hub.web.gate import Gate, Limits, Phase
from hub.web.routing import RouteTable

log = logging.getLogger(__name__)
_BACKLOG = 512
_REASONS = {
    errno.EADDRINUSE: "the port is in use by another program: stop that one or choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EACCES: "ports below 1024 need more rights than the hub has",
}


class Server:
    """Serves the routes of *table* on any number of listeners.

    It starts by answering 503 to all but vital routes, until :meth:`accept`.
    """

    def __init__(
        self,
        table: RouteTable,
        *,
        authenticate: Authenticate,
        clock: Clock,
        limits: Limits | None = None,
        spools: Spools | None = None,
    ) -> None:
        self.table = table
        self.counts = table.counts
        self.gate = Gate(limits or Limits(), self.counts)
        self.urls: list[str] = []
        self._clock = clock
        self._bodies = BodyReader(self.gate, spools)
        self._authenticate = authenticate
        self._connections = Connections(self.counts, clock, most=self.gate.limits.connection_count)
        self._http: list[HttpServer] = []
        self._listeners: list[asyncio.Server] = []
        self._socket_path: Path | None = None

    @property
    def phase(self) -> Phase:
        """What the server does with requests now."""
        return self.gate.phase

    @property
    def connection_count(self) -> int:
        """How many connections are open."""
        return self._connections.open_count

    async def listen(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> list[str]:
        """Listen at *host* and *port*, 0 for any free one; return the URLs.

        Raises:
            HubError: The address can't be used; the message says why.
        """
        edge = Edge(self.table, self.gate, self._bodies, self._authenticate, self._clock)
        try:
            listener = await asyncio.get_running_loop().create_server(
                self._make_http(edge), host, port, ssl=tls, backlog=_BACKLOG
            )
        except (OSError, OverflowError, UnicodeError) as err:
            reason = _REASONS.get(getattr(err, "errno", None) or 0, str(err))
            raise HubError(f"http: can't listen on {host} port {port}: {reason}") from err
        self._listeners.append(listener)
        scheme = "http" if tls is None else "https"
        urls = [_url(scheme, sock) for sock in listener.sockets]
        self.urls.extend(urls)
        return urls

    async def serve_unix(self, path: Path, routes: Sequence[Route] = ()) -> None:
        """Serve the same routes and *routes* besides on a Unix socket at *path*.

        Its file lets in the hub's own user alone, so callers have every role there.

        Raises:
            HubError: The path can't be used, or another hub listens there.
            PluginError: A route is there already.
        """
        table = RouteTable(self.counts, beyond=self.table)
        table.add(CORE, routes, is_vital=True)
        edge = Edge(table, self.gate, self._bodies, auth.local, self._clock)
        bound = await asyncio.to_thread(unix.bind, path)
        self._listeners.append(
            await asyncio.get_running_loop().create_unix_server(
                self._make_http(edge), sock=bound, backlog=_BACKLOG
            )
        )
        self._socket_path = path

    def accept(self) -> None:
        """Answer requests from now on."""
        self.gate.phase = Phase.RUNNING

    def refuse(self) -> None:
        """Answer 503 from now on; what is in flight goes on."""
        self.gate.phase = Phase.STOPPING

    async def stop(self, *, grace: float = 5.0) -> bool:
        """Stop: no new connections, 503 on open ones, and *grace* seconds for what is in flight.

        Tells whether everything in flight came to its end.
        """
        self.refuse()
        for listener in self._listeners:
            listener.close()
        is_done = await self.gate.emptied(grace)
        if not is_done:
            log.warning("requests cut off count=%d", self.gate.in_flight)
        for http in self._http:
            await http.close()
        self._listeners.clear()
        self._http.clear()
        self.urls.clear()
        if self._socket_path is not None:
            await asyncio.to_thread(self._socket_path.unlink, missing_ok=True)
            self._socket_path = None
        return is_done

    def _make_http(self, edge: Edge) -> HttpServer:
        http = HttpServer(
            edge,
            self._connections,
            access_log=None,
            keepalive_timeout=self.gate.limits.idle.total_seconds(),
            lingering_time=3.0,
            read_bufsize=64 * 1024,
        )
        self._http.append(http)
        return http


def _url(scheme: str, sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

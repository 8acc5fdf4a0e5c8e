"""``GET /api/hub/health``, and what the server and the process say about themselves."""

import os
import resource
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hub.clock import Clock
from hub.http import Request, Response, Route, json_response
from hub.web.gate import Phase
from hub.web.metrics import Metric, counter, gauge
from hub.web.server import Server

_STATM = Path("/proc/self/statm")
_LAG_WINDOW = 60


def routes(
    server: Server, *, can_store: Callable[[], bool], has_problems: Callable[[], bool]
) -> Sequence[Route]:
    """Return the route; it is to be added as vital.

    The status is 200 as long as the hub takes messages, so that a supervisor restarts it for
    nothing less. It says nothing else, because it is public.
    """

    async def health(_: Request) -> Response:
        if server.phase is not Phase.RUNNING:
            status = "starting" if server.phase is Phase.STARTING else "stopping"
            return json_response(503, {"status": status})
        if not can_store():
            return json_response(503, {"status": "degraded"})
        return json_response(200, {"status": "degraded" if has_problems() else "ok"})

    return [Route("GET", "/api/hub/health", health, access="public", body_limit=0)]


def server_metrics(server: Server) -> Iterator[Metric]:
    """Say how many requests came, and what became of them."""
    counts = server.counts
    yield Metric(
        "http_requests_total",
        "counter",
        "HTTP requests by owner of the route and status",
        [
            ({"owner": tally.owner, "status": str(status)}, count)
            for tally in counts.by_owner.values()
            for status, count in tally.statuses.items()
        ],
    )
    yield Metric(
        "http_failures_total",
        "counter",
        "HTTP requests that ended in an error nobody foresaw, by owner",
        [({"owner": tally.owner}, tally.failed_count) for tally in counts.by_owner.values()],
    )
    yield counter(
        "http_bad_messages_total",
        "Messages refused before they were a request: malformed lines or headers",
        counts.bad_message_count,
    )
    yield counter("http_overload_total", "Requests refused by overload", counts.overload_count)
    yield counter("http_disconnects_total", "Requests cut off", counts.disconnect_count)
    yield counter(
        "http_refused_connections_total",
        "Connections above the limit",
        counts.refused_connection_count,
    )
    yield gauge("http_connections", "Open connections", server.connection_count)
    yield gauge("http_requests_in_flight", "Requests being answered", server.gate.in_flight)
    yield gauge("http_body_bytes", "Bytes of bodies in memory", server.gate.body_bytes)


def resident_bytes() -> int:
    """Return the memory the process has now; its largest ever where Linux's /proc is missing."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class LoopLag:
    """Measures how late the event loop is, once a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lags: deque[float] = deque(maxlen=_LAG_WINDOW)
        self._due = 0.0
        self._cancel: Callable[[], None] | None = None

    def start(self) -> Callable[[], None]:
        """Begin, and return what ends it."""
        self._plan()
        return self._stop

    @property
    def longest(self) -> float:
        """The longest delay of the last minute, in seconds."""
        return max(self._lags, default=0.0)

    def metrics(self) -> Iterator[Metric]:
        """Say how late the loop is, and how much memory the process has."""
        yield gauge(
            "event_loop_lag_seconds",
            "Longest delay of the event loop in the last minute",
            self.longest,
        )
        yield gauge("resident_memory_bytes", "Memory of the process", resident_bytes())

    def _plan(self) -> None:
        self._due = self._clock.monotonic() + 1.0
        self._cancel = self._clock.call_later(1.0, self._look)

    def _look(self) -> None:
        self._lags.append(max(0.0, self._clock.monotonic() - self._due))
        self._plan()

    def _stop(self) -> None:
        if self._cancel is not None:
            self._cancel()

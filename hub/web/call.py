"""One request on its way to its handler."""

from typing import Any

from aiohttp import web

from hub.clock import Clock
from hub.http import Request, Route
from hub.web.routing import NO_PARAMS


class Call:
    """What came over the wire, with what the route table made of its path."""

    __slots__ = ("http", "params", "path", "peer", "received", "route")

    def __init__(self, http: web.BaseRequest, clock: Clock, route: Route | None = None) -> None:
        self.http = http
        self.route = route
        self.path = http.raw_path
        self.params = NO_PARAMS
        self.received = clock.now()
        self.peer = http.remote or "local"

    @property
    def label(self) -> str:
        """The route as it was declared: the path itself may hold a token."""
        return f"{self.http.method} {self.route.path if self.route else '(no route)'}"

    def request(
        self,
        body: bytes = b"",
        principal: Any = None,  # noqa: ANN401 - what a plugin's access rule returned
        quarantine_id: int | None = None,
    ) -> Request:
        """Make the value that handlers, access rules and error pages see."""
        http = self.http
        query = http.query if "?" in http.raw_path else None
        return Request(
            method=http.method,
            path=self.path,
            headers=http.headers,
            received=self.received,
            query=NO_PARAMS if query is None else query,
            query_pairs=() if query is None else tuple(query.items()),
            params=self.params,
            body=body,
            peer=self.peer,
            principal=principal,
            quarantine_id=quarantine_id,
        )

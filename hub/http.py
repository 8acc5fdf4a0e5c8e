"""HTTP as plugins see it: routes, zones, requests and responses, without a server in sight.

A plugin returns :class:`Route` and :class:`Zone` values from its hooks. The server in ``hub.web``
calls a route's handler with a :class:`Request` whose body has been read within the route's bound
and whose caller has passed the route's access rule.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from attrs import field, frozen
from msgspec import Struct

from hub.errors import WireError

MIB = 1024 * 1024
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request.

    ``path`` is as the zone's normaliser left it, ``headers`` ignore case, ``params`` are the
    values of the route's ``{name}`` segments, ``peer`` is the caller's address. ``principal`` is
    what the access rule returned. ``quarantine_id`` is set when the body was larger than the
    route's limit and went to the quarantine whole; ``body`` is empty then.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    received: dt.datetime
    query: Mapping[str, str] = _NOTHING
    query_pairs: tuple[tuple[str, str], ...] = ()
    params: Mapping[str, str] = _NOTHING
    body: bytes = b""
    peer: str = ""
    principal: Any = None
    quarantine_id: int | None = None

    def __post_init__(self) -> None:
        if self.received.tzinfo is None:
            raise ValueError(f"received: expected a time with its zone, got {self.received!r}")

    def json(self) -> Any:  # noqa: ANN401 - JSON is anything
        """Decode the body, UTF-8 with or without a byte order mark.

        Raises:
            WireError: The body is not JSON.
        """
        body = self.body[3:] if self.body.startswith(b"\xef\xbb\xbf") else self.body
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise WireError("body", f"expected JSON, {err}") from err


class Response(Struct, frozen=True):
    """One HTTP response with its whole body."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = _NOTHING


def json_response(status: int, value: object, headers: Mapping[str, str] | None = None) -> Response:
    """Make a JSON response; datetimes become ISO 8601."""
    return Response(status, msgspec.json.encode(value), headers=headers or {})


Handler = Callable[[Request], Awaitable[Response]]
Authorise = Callable[[Request], Any]
"""Looks at a request without its body and returns the caller, or raises
:class:`~hub.errors.Unauthorized` or :class:`~hub.errors.Forbidden`."""


@frozen
class Problem:
    """Why a request gets an error instead of its handler's answer.

    ``status`` is the plain HTTP status: 400, 401, 403, 404, 405, 413, 500 or 503. ``allowed``
    lists the methods that exist when it is 405.
    """

    status: int
    message: str
    allowed: tuple[str, ...] = ()


ProblemPage = Callable[[Request, Problem], Response]


@frozen
class Route:
    """One method and path of a plugin.

    ``path`` may have segments such as ``{device_id}``. ``access`` is ``"public"``, the least role
    a user needs (``"viewer"``, ``"admin"``, ``"owner"``), or a function of the plugin's own. A
    body above ``body_limit`` bytes is refused with 413, unless ``spool_limit`` is larger: then it
    goes to the quarantine whole and the handler is called without it.
    """

    method: str
    path: str
    handler: Handler
    access: str | Authorise = field(default="viewer", kw_only=True)
    body_limit: int = field(default=1 * MIB, kw_only=True)
    spool_limit: int = field(default=0, kw_only=True)


@frozen(kw_only=True)
class Zone:
    """A part of the URL space that speaks one vendor's dialect.

    What goes wrong below ``prefix`` is answered by ``problem``. ``normalise`` maps a raw path to
    the one that is looked up (the vendors' gateways write double and trailing slashes), ``headers``
    go on every response. The routes of the zone's plugin that lie elsewhere use the same dialect.
    """

    prefix: str
    problem: ProblemPage
    normalise: Callable[[str], str] | None = None
    headers: Mapping[str, str] = field(factory=dict)

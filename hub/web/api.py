"""The core's own API: Home Assistant's shapes under ``/api/``."""

from collections.abc import Sequence

from hub.http import Request, Response, Route, Zone
from hub.states import States
from hub.web.dialect import core_problem
from hub.web.encoding import array, encode
from hub.web.streaming import StreamedResponse

_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_RUNNING = encode({"message": "API running."})
_NOT_FOUND = Response(404, encode({"message": "Entity not found."}))


def zones() -> list[Zone]:
    """Return the core's zones: whatever no plugin has claimed."""
    return [
        Zone(prefix=prefix, problem=core_problem, headers=_HEADERS)
        for prefix in ("/", "/api", "/api/hub")
    ]


def routes(states: States) -> Sequence[Route]:
    """Return the routes that show what is now."""

    async def running(_: Request) -> Response:
        return Response(200, _RUNNING)

    async def all_states(_: Request) -> Response:
        return StreamedResponse(chunks=array(state.as_dict() for state in states.all()))

    async def one_state(request: Request) -> Response:
        state = states.get(request.params["entity_id"].lower())
        return _NOT_FOUND if state is None else Response(200, encode(state.as_dict()))

    return [
        Route("GET", "/api/", running),
        Route("GET", "/api/states", all_states),
        Route("GET", "/api/states/{entity_id}", one_state),
    ]

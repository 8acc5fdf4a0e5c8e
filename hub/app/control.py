"""The control socket: operations for the command line beside a running hub."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import msgspec

from hub.app.operations import COMMON, OpenHub, Operation, perform
from hub.app.putaside import QUARANTINE
from hub.errors import HubError
from hub.http import Request, Response, Route
from hub.tasks import Tasks
from hub.web.streaming import StreamedResponse

OPERATIONS: Mapping[str, Operation] = {**COMMON, **QUARANTINE}
"""Every operation by its name."""

_BODY_LIMIT = 1 << 20
_LOOK_SECONDS = 0.1
_IDLE_LINES = 20
"""An empty line goes out after so many looks without news, so that both sides notice a dead one."""


def control_routes(hub: OpenHub) -> list[Route]:
    """Return the routes for the control socket.

    ``POST /op/NAME`` takes the arguments as JSON and answers with lines of JSON:
    ``{"progress": [what, done, total]}`` now and then, and ``{"result": …}`` or ``{"error": …,
    "kind": …}`` as the last one.
    """

    async def operate(request: Request) -> Response:
        run = _Run(hub, request.params["name"], request.json() if request.body else {})
        return StreamedResponse(content_type="application/x-ndjson", chunks=run.lines())

    return [Route("POST", "/op/{name}", operate, access="owner", body_limit=_BODY_LIMIT)]


class _Run:
    """One operation under way; it ends when nobody listens any more."""

    def __init__(self, hub: OpenHub, name: str, arguments: object) -> None:
        self._hub = hub
        self._name = name
        self._arguments = arguments
        self._tasks = Tasks("control")
        self._progress: tuple[str, int, int] | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._last: dict[str, object] = {
            "error": "the operation failed; the hub's log says why",
            "kind": "Exception",
        }

    async def lines(self) -> AsyncGenerator[bytes, None]:
        self._tasks.spawn(self._run(), name=self._name)
        try:
            shown: tuple[str, int, int] | None = None
            idle_count = 0
            while not self._ended.done():
                # Not a time-out, which would throw into the generator.
                await asyncio.wait({self._ended}, timeout=_LOOK_SECONDS)
                progress, idle_count = self._progress, idle_count + 1
                if progress != shown:
                    shown, idle_count = progress, 0
                    yield _line({"progress": progress})
                elif idle_count % _IDLE_LINES == 0:
                    yield b"\n"
            yield _line(self._last)
        finally:
            await self._tasks.stop()

    async def _run(self) -> None:
        try:
            result = await perform(OPERATIONS, self._hub, self._name, self._arguments, self._say)
            self._last = {"result": result}
        except HubError as err:
            self._last = {"error": str(err), "kind": type(err).__name__}
        finally:
            self._ended.set_result(None)

    def _say(self, what: str, done: int, total: int) -> None:
        # Possibly on another thread: one assignment, which `lines` looks at now and then.
        self._progress = (what, done, total)


def _line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"

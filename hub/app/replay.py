"""Sending messages from the quarantine through their routes once more."""

import asyncio
from collections.abc import Sequence

from hub.app.core import Core
from hub.app.hearing import hear_results
from hub.errors import HubError, StorageError
from hub.http import Request, Response
from hub.storage.rows import QuarantineEntry
from hub.storage.schema import Progress
from hub.tasks import Tasks
from hub.web.routing import Found, RouteTable

_MOST_DETAILS = 1000


class Replay:
    """Replays messages one after the other, without the routes' limits on size.

    A message that its route takes with a 2xx is dropped; what of it was not understood again lies
    in the quarantine under a new number by then.
    """

    def __init__(self, core: Core, routes: RouteTable) -> None:
        self._core = core
        self._routes = routes
        self._tasks = Tasks("replay")

    async def run(self, numbers: Sequence[int], say: Progress) -> dict[str, object]:
        """Replay *numbers*; tell what became of them, in figures and one by one."""
        details: list[dict[str, object]] = []
        taken = again = failed = 0
        for done, number in enumerate(numbers):
            say("replaying", done, len(numbers))
            problem, new = await self._replay(number)
            failed += problem is not None
            again += bool(new)
            taken += problem is None and not new
            if len(details) < _MOST_DETAILS:
                details.append({"number": number, "problem": problem, "again": new})
        return {"taken": taken, "again": again, "failed": failed, "messages": details}

    async def close(self) -> None:
        """End what still runs."""
        await self._tasks.stop()

    async def _replay(self, number: int) -> tuple[str | None, list[int]]:
        quarantine = self._core.store.quarantine
        try:
            entry, body = await quarantine.take(number)
            response, new = await self._send(entry, body)
            if not 200 <= response.status < 300:
                return f"the route answered {response.status}; the message stays", []
            await quarantine.drop([number])
        except LookupError:
            return "it is not in the quarantine", []
        except HubError as err:
            return str(err), []
        return None, new

    async def _send(self, entry: QuarantineEntry, body: bytes) -> tuple[Response, list[int]]:
        method, path = method_and_path(entry.route)
        found = self._routes.resolve(method, path)
        if not isinstance(found, Found):
            raise HubError(f"nothing answers {method} {path}: is the plugin {entry.plugin} off?")
        if found.bound.names:
            raise HubError(f"{method} {path}: a path with parameters can't be replayed")
        principal, peer = principal_and_peer(entry.source)
        request = Request(
            method=method,
            path=found.path,
            headers=entry.headers,
            # Now, and not when it came: what is old by now is no news and must not fire anything.
            received=self._core.clock.now(),
            body=body,
            peer=peer,
            principal=principal,
        )
        return await self._isolated(found, request)

    async def _isolated(self, found: Found, request: Request) -> tuple[Response, list[int]]:
        """Call a route's handler in a task: whatever a plugin raises is the plugin's own."""
        ended = asyncio.Event()
        answers: list[Response] = []
        problems: list[HubError] = []
        new: list[int] = []

        async def call() -> None:
            try:
                with hear_results() as results:
                    answers.append(await found.bound.route.handler(request))
                new.extend(number for result in results for number in result.quarantine_ids)
            except HubError as err:
                problems.append(err)
            finally:
                ended.set()

        cancel = self._tasks.spawn(call(), name=f"{request.method} {request.path}")
        try:
            await ended.wait()
        except asyncio.CancelledError:
            cancel()
            raise
        if problems:
            raise problems[0]
        if not answers:
            raise StorageError("the plugin failed on it; the hub's log says why")
        return answers[0], new


def method_and_path(route: str) -> tuple[str, str]:
    """Split the route of a message: ``POST /path``, or the path alone."""
    method, _, path = route.rpartition(" ")
    return method or "POST", path


def principal_and_peer(source: str) -> tuple[str | None, str]:
    """Split the source of a message: ``name at address``, or the address alone."""
    name, _, peer = source.rpartition(" at ")
    return (name if name not in {"", "None"} else None), peer

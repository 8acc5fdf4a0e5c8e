"""The edge between aiohttp and the handlers: one request in, one answer out, whatever happens."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from hub.clock import Clock
from hub.http import Problem, Response
from hub.web.body import BodyReader
from hub.web.call import Call
from hub.web.counts import Repeats
from hub.web.dialect import Dialect, core_problem, problem_of
from hub.web.gate import Gate, Phase
from hub.web.reply import Dates, Reply
from hub.web.routing import Bound, Found, RouteTable

log = logging.getLogger(__name__)

Authenticate = Callable[[Mapping[str, str], str], Any]
"""Headers and the least role in, the caller out; raises an AccessError."""


class Edge:
    """Answers the requests of one or more listeners."""

    def __init__(
        self,
        table: RouteTable,
        gate: Gate,
        bodies: BodyReader,
        authenticate: Authenticate,
        clock: Clock,
    ) -> None:
        self._table = table
        self._gate = gate
        self._bodies = bodies
        self._authenticate = authenticate
        self._clock = clock
        self._dates = Dates()
        self._repeats = Repeats(clock)
        self._write_pause = gate.limits.write_pause.total_seconds()

    async def __call__(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer a request; aiohttp calls it."""
        bound = self._table.exact.get((http.method, http.raw_path))
        if bound is None:
            return await self._search(http)
        return await self._serve(Call(http, self._clock, bound.route), bound)

    async def _search(self, http: web.BaseRequest) -> web.StreamResponse:
        call = Call(http, self._clock)
        dialect = self._table.fallback
        try:
            found = self._table.resolve(http.method, http.rel_url.raw_path)
        except Exception as err:  # noqa: BLE001 - isolation: a zone's normaliser is a plugin's code
            return self._reply(call, dialect, self._explain(call, dialect, err))
        if isinstance(found, Found):
            call.route = found.bound.route
            call.path, call.params = found.path, found.params
            return await self._serve(call, found.bound)
        dialect = found.dialect
        call.path = http.rel_url.raw_path
        if not self._gate.is_open(dialect.tally):
            response = self._explain(call, dialect, self._gate.refusal())
        elif found.allowed and http.method == "OPTIONS":
            response = Response(204, headers={"Allow": ", ".join(found.allowed)})
        elif found.allowed:
            problem = Problem(405, f"{http.method} is not allowed here", found.allowed)
            response = self._page(call, dialect, problem)
        else:
            response = self._page(call, dialect, Problem(404, "there is nothing here"))
        return self._reply(call, dialect, response)

    async def _serve(self, call: Call, bound: Bound) -> web.StreamResponse:
        dialect = bound.dialect
        gate = self._gate
        tally = dialect.tally
        if not bound.is_vital and not gate.is_open(tally):
            return self._reply(call, dialect, self._explain(call, dialect, gate.refusal()))
        gate.enter(tally)
        held = 0
        reply: Reply | None = None
        try:
            http = call.http
            principal = self._principal(call, bound)
            content = http.content
            if content.is_eof() and content.total_bytes <= bound.route.body_limit:
                body, quarantine_id = content.read_nowait(), None
            else:
                body, quarantine_id = await self._bodies.read(call, bound, principal)
            if body:
                gate.hold(len(body))
                held = len(body)
            response = await bound.route.handler(call.request(body, principal, quarantine_id))
            reply = self._reply(call, dialect, response)
            await reply.stream(http)
        except asyncio.CancelledError as err:
            if _is_stopped():
                raise
            reply = self._failed(call, dialect, err, reply)
        except Exception as err:  # noqa: BLE001 - isolation: a handler is a plugin's code
            reply = self._failed(call, dialect, err, reply)
        finally:
            gate.leave(tally, held)
        return reply

    def _principal(self, call: Call, bound: Bound) -> Any:  # noqa: ANN401 - the rule's own
        access = bound.route.access
        if access == "public":
            return None
        if isinstance(access, str):
            return self._authenticate(call.http.headers, access)
        return access(call.request())

    def _failed(
        self, call: Call, dialect: Dialect, err: BaseException, reply: Reply | None
    ) -> Reply:
        if reply is None or not reply.has_begun:
            return self._reply(call, dialect, self._explain(call, dialect, err))
        if isinstance(err, ConnectionError):
            self._gate.counts.disconnect_count += 1
        else:
            self._report(call, dialect, err)
        return reply

    def _explain(self, call: Call, dialect: Dialect, err: BaseException) -> Response:
        problem = problem_of(err)
        if isinstance(err, web.RequestPayloadError):
            problem = Problem(400, "the body is malformed")
        if problem.status == 500:
            self._report(call, dialect, err)
        return self._page(call, dialect, problem)

    def _page(self, call: Call, dialect: Dialect, problem: Problem) -> Response:
        request = call.request()
        try:
            response = dialect.problem(request, problem)
            Reply(response, dialect, "")
        except Exception as err:  # noqa: BLE001 - isolation: an error page is a plugin's code
            self._report(call, dialect, err)
            response = core_problem(request, problem)
        return response

    def _reply(self, call: Call, dialect: Dialect, response: Response) -> Reply:
        now_us = self._clock.now_us()
        reply = Reply(response, dialect, self._dates.line(now_us), write_pause=self._write_pause)
        if self._gate.phase is Phase.STOPPING:
            reply.close_after()
        dialect.tally.statuses[response.status] += 1
        return reply

    def _report(self, call: Call, dialect: Dialect, err: BaseException) -> None:
        tally = dialect.tally
        tally.failed_count += 1
        tally.last_error = f"{call.label}: {type(err).__name__}"
        quiet_count = self._repeats.count_since_last(tally.owner, type(err).__name__)
        if quiet_count is not None:
            log.error(
                "request failed owner=%s route=%s quiet=%d",
                tally.owner, call.label, quiet_count, exc_info=err,
            )  # fmt: skip


def _is_stopped() -> bool:
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())

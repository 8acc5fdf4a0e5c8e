"""Efento's HTTP API: what comes in, and the answers gateways understand.

A gateway takes any answer but 201 as "not received" and sends the message again for ever, except
503: then it waits five minutes (Efento API doc). So what is genuine is answered with 201 once it
is on disk, whether it was understood or not; 503 stands for trouble of our own.
"""

import re

import msgspec

from hub import (
    GatewayInfo,
    GatewayKey,
    Notice,
    PluginContext,
    Problem,
    Request,
    Response,
    Route,
    WireError,
    Zone,
    jsonsplit,
)
from hub_efento import gateways, normalise, wire
from hub_efento.access import Gate, Once
from hub_efento.catalogue import PLUGIN, Catalogue
from hub_efento.report import Bad, Heartbeat

MEASUREMENTS = "/api/v4/measurements"
HEARTBEAT = "/api/v4/gateways/heartbeat"
OLD_MEASUREMENTS = "/api/v2/measurements"

_MOST_GATEWAYS = 1000
# A message with so many more loggers that can't be read than others is put aside whole, and the
# rest of it is not looked at: no gateway sends such a thing, and it would keep the hub busy.
_MOST_BAD = 10_000
_SLASHES = re.compile(r"/{2,}")
_STATUSES = {500: 503, 413: 503}


def routes(ctx: PluginContext) -> list[Route]:
    """Return the routes of both messages, below the prefix as well if there is one."""
    desk = Desk(ctx)
    gate = Gate(ctx)
    paths = [
        (MEASUREMENTS, desk.measurements),
        (HEARTBEAT, desk.heartbeat),
        # Outside the zone nobody takes the trailing slash away for us.
        (OLD_MEASUREMENTS, desk.measurements),
        (f"{OLD_MEASUREMENTS}/", desk.measurements),
    ]
    if prefix := ctx.config.prefix:
        paths += [(prefix + path, handler) for path, handler in paths[:3]]
    return [
        Route(
            "POST",
            path,
            handler,
            access=gate,
            body_limit=ctx.config.body_limit,
            spool_limit=ctx.config.spool_limit,
        )
        for path, handler in paths
    ]


def zones(ctx: PluginContext) -> list[Zone]:
    """Return the zones in which errors look as a gateway expects them."""
    once = Once(ctx.clock)

    def problem(request: Request, problem: Problem) -> Response:
        if problem.status == 404 and once(request.peer):
            ctx.log.warning(
                "unknown path source=%s path=%s: a gateway should send to %s and %s",
                request.peer,
                request.path[:100],
                ctx.config.prefix + MEASUREMENTS,
                ctx.config.prefix + HEARTBEAT,
            )
        if problem.status == 413 and once((request.peer, 413)):
            ctx.notice(
                Notice(
                    key="too_large",
                    title="A message is too large",
                    message=f"The gateway at {request.peer} sent a message above "
                    "efento.spool_limit and will send it again: raise the limit in hub.yaml.",
                    severity="error",
                )
            )
        headers = {"Allow": ", ".join(problem.allowed)} if problem.allowed else {}
        status = _STATUSES.get(problem.status, problem.status)
        return Response(status, msgspec.json.encode({"error": problem.message}), headers=headers)

    prefixes = ["/api/v4", *([ctx.config.prefix] if ctx.config.prefix else [])]
    return [Zone(prefix=prefix, problem=problem, normalise=tidy) for prefix in prefixes]


def tidy(path: str) -> str:
    """Return a path without double and trailing slashes; a redirect would be no 201."""
    return _SLASHES.sub("/", path).rstrip("/") or "/"


class Desk:
    """Takes messages; remembers which gateways were heard, up to a bound, in memory only."""

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx
        self._once = Once(ctx.clock)
        self._catalogue = Catalogue({known.serial: known.name for known in ctx.config.loggers})
        self._groups: dict[str | None, GatewayInfo] = {}
        self._macs: dict[str | None, dict[str, None]] = {}
        self._gateways: dict[str, tuple[GatewayInfo, Heartbeat]] = {}
        self._wrong_clocks: dict[str, None] = {}

    # -- measurements -----------------------------------------------------------------------------

    async def measurements(self, request: Request) -> Response:
        """Store what loggers measured and say which of them the gateway should synchronise.

        A body that was too large to be looked at lies in the quarantine already.
        """
        ctx = self._ctx
        if request.quarantine_id is not None:
            self._note(request, "message put aside unread")
            return _accepted([], [])
        draft = normalise.Draft(
            self._catalogue, self._gateway_of(request.principal), request.received, ctx.accepts
        )
        error = None
        try:
            draft.add(wire.parse(request.body))
        except WireError:
            error = await _read_in_slices(draft, request.body)
        pace = jsonsplit.Pace()
        for _ in draft.close():
            await pace.breathe()
        aside = normalise.parts(draft.bad, request)
        if draft.bad_count > normalise.MOST_PARTS or (error is not None and not draft.entry_count):
            reason = str(error or draft.bad[0].error)
            aside = [normalise.put_aside(request, reason, request.body)]
        if aside:
            self._note(request, aside[0].reason)
            ctx.count("quarantined", len(aside))
        await ctx.ingest(draft.batch(aside))
        draft.stored()
        ctx.count("measurements")
        return _accepted(*draft.answer())

    def _gateway_of(self, principal: str | None) -> GatewayInfo:
        """Return the gateway behind a token: measurements do not say which one they come from."""
        macs = list(self._macs.get(principal, ()))
        if len(macs) > 1:  # perhaps it took another one's place
            macs = [m for m in macs if self._ctx.is_online(GatewayKey(PLUGIN, m))]
        if len(macs) == 1 and macs[0] in self._gateways:
            return self._gateways[macs[0]][0]
        group = self._groups.get(principal)
        if group is None:
            group = self._groups[principal] = gateways.group(principal)
        return group

    # -- heartbeats -------------------------------------------------------------------------------

    async def heartbeat(self, request: Request) -> Response:
        """Store what a gateway says about itself."""
        ctx = self._ctx
        if request.quarantine_id is not None:
            return _done()
        try:
            beat = wire.parse_heartbeat(request.body)
        except WireError as err:
            self._note(request, str(err))
            await ctx.ingest(
                normalise.unread(request, self._gateway_of(request.principal), str(err))
            )
            return _done()
        aside = []
        if beat.bad:
            self._note(request, str(beat.bad[0]))
            bad = Bad(beat.bad[0], request.body)
            aside = normalise.parts([bad], request)
        known = self._gateways.get(beat.mac)
        batch = gateways.heartbeat(
            beat,
            request.received,
            aside,
            is_restarted=known is not None and gateways.is_restarted(known[1], beat),
        )
        await ctx.ingest(batch)
        self._remember(request.principal, batch.gateways[0], beat)
        self._watch_clock(request, beat)
        ctx.count("heartbeats")
        return _done()

    def _remember(self, principal: str | None, info: GatewayInfo, beat: Heartbeat) -> None:
        known = self._gateways.get(beat.mac)
        if known is not None and gateways.is_older(beat, known[1]):
            return
        for memory in (self._gateways, self._macs.setdefault(principal, {})):
            if len(memory) >= _MOST_GATEWAYS and beat.mac not in memory:
                del memory[next(iter(memory))]
        self._gateways[beat.mac] = (info, beat)
        self._macs[principal][beat.mac] = None

    def _watch_clock(self, request: Request, beat: Heartbeat) -> None:
        """Tell the user about a clock that is wrong: the API gives the gateway no time."""
        key = f"clock_{beat.mac}"
        offset = gateways.clock_offset(beat, request.received)
        if offset is not None and abs(offset) > gateways.LARGEST_OFFSET:
            if len(self._wrong_clocks) < _MOST_GATEWAYS:
                self._wrong_clocks[beat.mac] = None
            way = "behind" if offset.total_seconds() > 0 else "ahead"
            self._ctx.notice(
                Notice(
                    key=key,
                    title="A gateway's clock is wrong",
                    message=f"The clock of {beat.name or beat.mac} is {abs(offset)} {way}. Its "
                    "measurements are stored under the wrong time: set its time server.",
                )
            )
        elif beat.mac in self._wrong_clocks:
            del self._wrong_clocks[beat.mac]
            self._ctx.clear_notice(key)

    def _note(self, request: Request, reason: str) -> None:
        if self._once((request.peer, request.path)):
            self._ctx.log.warning(
                "message not understood source=%s path=%s: %s", request.peer, request.path, reason
            )


async def _read_in_slices(draft: normalise.Draft, body: bytes) -> WireError | None:
    """Read a message that is long or irregular; return what is wrong with it as a whole."""
    pace = jsonsplit.Pace()
    number = 0
    error: WireError | None
    try:
        split = await jsonsplit.split(body, wire.key_of(body), pace=pace)
    except WireError as err:
        rest, error = body, err
    else:
        rest, error = split.rest, split.error
        for chunk in split.chunks():
            for report in wire.parse_part(chunk, number):
                draft.add(report)
                number += report.count
                await pace.breathe()
            if draft.bad_count - draft.entry_count > _MOST_BAD:
                return WireError("body", f"over {_MOST_BAD} loggers can't be read")
    if error is not None:
        for report in wire.parse_rest(rest, number, error):
            draft.add(report)
            await pace.breathe()
    return error


def _accepted(wanted: list[int], unwanted: list[int]) -> Response:
    return Response(201, msgspec.json.encode({"Y": wanted, "N": unwanted}))


def _done() -> Response:
    return Response(201, b"{}")

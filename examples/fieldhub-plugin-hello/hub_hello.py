"""A plugin for the Hello box, an imaginary gateway that posts what its probes measure."""

# ruff: noqa: INP001 - the distribution is this one module

import contextlib
import datetime as dt
import hmac
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from attrs import field, frozen

from hub import (
    Action,
    ActionCall,
    Batch,
    DeviceInfo,
    DeviceKey,
    EntityInfo,
    GatewayInfo,
    GatewayKey,
    PluginContext,
    Quarantined,
    Reading,
    Request,
    Response,
    Route,
    Simulator,
    SimulatorOptions,
    Unauthorized,
    WireError,
    hookimpl,
    json_response,
    units,
)

PLUGIN = "hello"
PATH = "/hello/v1/values"
MAX_VALUES = 1000

# One object for all boxes: the hub compares it by identity before it looks inside.
TEMPERATURE = EntityInfo(
    name="Temperature",
    unit=units.CELSIUS,
    device_class="temperature",
    state_class=units.MEASUREMENT,
)
DOOR = EntityInfo(domain="binary_sensor", name="Door", device_class="door")
PROBES: Mapping[str, EntityInfo] = {"temperature": TEMPERATURE, "door": DOOR}


@frozen(kw_only=True)
class HelloConfig:
    """The section ``hello`` of ``hub.yaml``."""

    token: str = field(default="", repr=False)
    interval: int = 60


# -- wire: bytes to values, no hub in sight -------------------------------------------------------


@frozen
class Value:
    """One measurement as the box sent it."""

    probe: str
    value: float | str | bool | None
    at: dt.datetime


@frozen
class Report:
    """One message; ``bad`` holds what could not be read, as (place, reason, raw)."""

    box: str
    values: list[Value]
    bad: list[tuple[str, str, Any]]


def parse(message: object) -> Report:
    """Read a message.

    Raises:
        WireError: It names no box, or has no list of values.
    """
    if not isinstance(message, dict):
        raise WireError("message", "expected an object")
    box = message.get("box")
    if not isinstance(box, str) or not 0 < len(box) <= 64:
        raise WireError("box", "expected a name of 1 to 64 characters")
    found = message.get("values")
    if not isinstance(found, list) or len(found) > MAX_VALUES:
        raise WireError("values", f"expected a list of at most {MAX_VALUES}")
    report = Report(box, [], [])
    for place, raw in enumerate(found):
        try:
            report.values.append(_value(raw))
        except (TypeError, ValueError, OverflowError) as err:
            report.bad.append((f"values[{place}]", str(err), raw))
    return report


def _value(raw: object) -> Value:
    if not isinstance(raw, dict):
        raise TypeError("expected an object")
    probe, value = raw.get("probe"), raw.get("value")
    if not isinstance(probe, str) or not 0 < len(probe) <= 64:
        raise ValueError("probe: expected a name of 1 to 64 characters")
    if not isinstance(value, int | float | str | bool | None):
        raise TypeError("value: expected a number, text, true, false or null")
    at = dt.datetime.fromisoformat(str(raw.get("at")))
    if at.tzinfo is None:
        raise ValueError("at: expected a time with its zone")
    return Value(probe, value, at.astimezone(dt.UTC))


# -- normalise: values to what the hub stores, still pure -----------------------------------------


def batch(report: Report, received: dt.datetime, interval: dt.timedelta) -> Batch:
    """Make what the hub stores of a report."""
    gateway = GatewayKey(PLUGIN, report.box)
    device = DeviceKey(PLUGIN, report.box)
    return Batch(
        received=received,
        gateways=(GatewayInfo(key=gateway, name=report.box, offline_after=3 * interval),),
        devices=(
            DeviceInfo(
                key=device, name=report.box, model="Hello box", gateway=gateway, interval=interval
            ),
        ),
        readings=[
            Reading(device, value.probe, _fit(value), value.at, PROBES.get(value.probe))
            for value in report.values
        ],
        quarantined=[
            Quarantined(
                plugin=PLUGIN,
                source=report.box,
                reason=reason,
                raw=json.dumps(raw).encode(),
                route=PATH,
                part=place,
            )
            for place, reason, raw in report.bad
        ],
    )


def _fit(value: Value) -> float | str | bool | None:
    # The box has no booleans: its door says 0 or 1.
    if value.probe == "door" and value.value in {0, 1}:
        return bool(value.value)
    return value.value


# -- routes ---------------------------------------------------------------------------------------


def authorise(ctx: PluginContext, request: Request) -> str:
    """Let in whoever shows the token; raise `Unauthorized` for everybody else."""
    token: str = ctx.config.token
    given = request.headers.get("X-Hello-Token", "")
    if not token or not hmac.compare_digest(token.encode(), given.encode("utf-8", "replace")):
        raise Unauthorized("X-Hello-Token: expected the token of the section hello")
    return "box"


async def post_values(ctx: PluginContext, request: Request) -> Response:
    """Store what a box measured, and answer once it is on disk."""
    try:
        report = parse(request.json())
    except WireError as err:
        # Genuine, for the token was right, but not understood: kept, and acknowledged.
        ctx.count("bad_messages")
        whole = Quarantined(
            plugin=PLUGIN, source=request.peer, reason=str(err), raw=request.body, route=PATH
        )
        await ctx.ingest(Batch(received=request.received, quarantined=(whole,)))
        return json_response(201, {"stored": 0})
    interval = dt.timedelta(seconds=ctx.config.interval)
    result = await ctx.ingest(batch(report, request.received, interval))
    ctx.count("values", result.stored)
    return json_response(201, {"stored": result.stored})


# -- an action and a template function ------------------------------------------------------------


async def greet(call: ActionCall) -> Mapping[str, Any]:
    """Answer with a greeting."""
    return {"greeting": f"Hello, {call.text('name', 'world')}"}


def mood(temperature: float) -> str:
    """Say how a temperature feels."""
    if temperature < 15:
        return "chilly"
    return "cosy" if temperature < 25 else "hot"


# -- a simulator ----------------------------------------------------------------------------------


async def simulate(options: SimulatorOptions) -> None:
    """Send what Hello boxes send, until the time is over."""
    clock = options.clock
    url = options.url.rstrip("/") + PATH
    headers = {"Content-Type": "application/json", "X-Hello-Token": options.token or ""}
    end = None if options.duration is None else clock.now() + options.duration
    while end is None or clock.now() < end:
        for number in range(1, options.gateway_count + 1):
            body = json.dumps(_message(f"box {number}", clock.now())).encode()
            try:
                status, _ = await options.post(url, headers, body)
            except OSError as err:
                options.say(f"box {number}: no answer, {err}")
            else:
                options.say(f"box {number}: {status}")
        await clock.sleep(options.every.total_seconds())


def _message(box: str, now: dt.datetime) -> dict[str, Any]:
    temperature = round(random.gauss(21, 3), 1)
    at = now.isoformat()
    return {
        "box": box,
        "values": [
            {"probe": "temperature", "value": temperature, "at": at},
            {"probe": "door", "value": int(temperature > 22), "at": at},
        ],
    }


# -- hooks ----------------------------------------------------------------------------------------


@hookimpl
def register_config() -> type:
    """Say what the section ``hello`` may hold."""
    return HelloConfig


@hookimpl
def register_routes(ctx: PluginContext) -> list[Route]:
    """Take the boxes' messages."""
    return [Route("POST", PATH, partial(post_values, ctx), access=partial(authorise, ctx))]


@hookimpl
def register_actions() -> list[Action]:
    """Offer ``hello.greet``."""
    return [
        Action(
            "hello.greet", greet, "Greet somebody", {"name": "Who is greeted"}, response="optional"
        )
    ]


@hookimpl
def register_template_functions() -> Mapping[str, Callable[..., Any]]:
    """Offer ``hello_mood()`` to templates."""
    return {"hello_mood": mood}


@hookimpl
def register_simulators() -> list[Simulator]:
    """Offer boxes to ``hub simulate hello``."""
    return [Simulator("hello", "Hello boxes with a thermometer and a door", simulate)]


@hookimpl
def lifespan(ctx: PluginContext) -> AbstractAsyncContextManager[None]:
    """Say hello at the start and goodbye at the end."""
    return _lifespan(ctx)


@contextlib.asynccontextmanager
async def _lifespan(ctx: PluginContext) -> AsyncIterator[None]:
    ctx.log.info("hello")
    yield
    ctx.log.info("goodbye")

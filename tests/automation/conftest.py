"""Runs recorded scenarios against the engine, on a clock that only the scenario moves."""

import datetime as dt
import json
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import pytest
import yaml

from hub.action import Action
from hub.actions import Actions
from hub.automation.engine import Automations
from hub.automation.stepping import EagerTasks
from hub.automation.template.engine import Templates
from hub.bus import Bus
from hub.errors import ActionError
from hub.event import CustomEvent
from hub.events import (
    AutomationsReloaded,
    AutomationTriggered,
    HubStarted,
    HubStarting,
    NotificationsUpdated,
)
from hub.model import Context
from hub.states import States
from hub.testing.clock import ManualClock

RECORDED = [
    "test.record",
    "test.a",
    "test.b",
    "test.c",
    "light.turn_on",
    "light.turn_off",
    "switch.turn_on",
    "switch.turn_off",
    "notify.notify",
]
SHOWN = (AutomationTriggered, CustomEvent, AutomationsReloaded, NotificationsUpdated)
NOON = "2025-03-03T12:00:00+00:00"


def plain(value):
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return value


def fill(states, clock, given):
    for entity_id, node in (given or {}).items():
        value = node if isinstance(node, dict) else {"state": node}
        at_us = clock.now_us() - int(value.get("age_s", 0) * 1e6)
        states.write(
            entity_id, value["state"], value.get("attributes") or {}, (at_us, at_us), Context()
        )


class Lab:
    """One hub's worth of rooms, with actions that record their calls."""

    def __init__(self, case):
        self.case = case
        self.clock = ManualClock(dt.datetime.fromisoformat(case.get("start", NOON)))
        self.bus = Bus()
        self.states = States(self.bus, self.clock)
        self.actions = Actions(self.bus, self.clock)
        self.zone = ZoneInfo(case.get("tz", "UTC"))
        self.tasks = EagerTasks("lab")
        self.log = []
        for name in RECORDED:
            self.actions.register(Action(name, self.recorder(name)))
        self.actions.register(Action("test.respond", self.respond, response="optional"))
        self.actions.register(Action("test.fail", self.fail))
        self.actions.register(Action("test.crash", self.crash))
        self.actions.register(Action("test.slow", self.slow))
        self.automations = Automations(
            bus=self.bus,
            states=self.states,
            actions=self.actions,
            clock=self.clock,
            time_zone=self.zone,
        )

    def note(self, kind, name, data=None):
        at = round(self.clock.monotonic(), 3)
        self.log.append([at, kind, name, json.loads(json.dumps(plain(data or {})))])

    def recorder(self, name):
        async def record(call):
            self.note("call", name, call.data)

        return record

    async def respond(self, call):
        self.note("call", "test.respond", call.data)
        return {"echo": dict(call.data)}

    async def fail(self, call):
        self.note("call", "test.fail", call.data)
        raise ActionError("told to fail")

    async def crash(self, call):
        self.note("call", "test.crash", call.data)
        raise RuntimeError("told to crash")

    async def slow(self, call):
        self.note("call", "test.slow", call.data)
        is_done = False
        try:
            await self.clock.sleep(call.data.get("seconds", 1))
            is_done = True
        finally:
            self.note("done" if is_done else "cancelled", "test.slow", call.data)

    def seen(self, event):
        if isinstance(event, SHOWN):
            name = event.name if isinstance(event, CustomEvent) else event.type
            self.note("event", name, event.data)

    async def call(self, name, data=None):
        try:
            await self.actions.call(name, data or {})
        except ActionError as err:
            self.note("error", name, {"text": str(err)})

    async def run(self):
        fill(self.states, self.clock, self.case.get("states"))
        self.bus.subscribe("*", self.seen, owner="lab")
        nodes = yaml.safe_load(self.case["automations"])
        nodes = nodes if isinstance(nodes, list) else [nodes]
        for number, node in enumerate(nodes):
            if isinstance(node, dict):
                node.setdefault("id", f"a{number}")
                node.setdefault("alias", f"a{number}")
                node.setdefault("trace", {"stored_traces": 50})
        self.automations.load(nodes, "case.yaml")
        self.bus.publish(HubStarting())
        self.automations.start()
        self.bus.publish(HubStarted())
        await self.clock.settle()
        for operation, *args in self.case["steps"]:
            await self.step(operation, args)
            await self.clock.settle()
        answer = self.answer()
        await self.automations.stop()
        await self.tasks.stop()
        return answer

    async def step(self, operation, args):
        if operation in ("set", "force"):
            attributes = args[2] if len(args) > 2 else None
            self.states.set(args[0], args[1], attributes, force_update=operation == "force")
        elif operation == "remove":
            self.states.remove(args[0])
        elif operation == "event":
            data = args[1] if len(args) > 1 else {}
            self.bus.publish(CustomEvent(args[0], data, fired_us=self.clock.now_us()))
        elif operation == "adv":
            await self.clock.advance(args[0])
        elif operation == "at":
            now = self.clock.now().astimezone(self.zone)
            wanted = dt.datetime.combine(now.date(), dt.time.fromisoformat(args[0]), now.tzinfo)
            await self.clock.advance((wanted - now).total_seconds() % 86400)
        else:
            assert operation == "call"
            self.tasks.begin(self.call(*args), name="call")

    def answer(self):
        runs = {}
        for status in self.automations.all():
            if status.traces:
                runs[status.entity_id] = [
                    {
                        "error": trace.error,
                        "execution": trace.execution,
                        "last_step": trace.last_step,
                        "paths": trace.paths,
                        "state": "running" if trace.finish_us is None else "stopped",
                        "trigger": trace.description,
                    }
                    for trace in status.traces
                ]
        return {
            "log": self.log,
            "entities": {
                state.entity_id: state.state for state in self.states.in_domain("automation")
            },
            "runs": runs,
        }


def difference(expected, answer):
    """Say how an answer differs; entries of one moment may come in any order."""

    def ordered(entries):
        rows = [[round(at, 1), kind, name, data] for at, kind, name, data in entries]
        return sorted(rows, key=lambda row: (row[0], json.dumps(row[1:], sort_keys=True)))

    wanted, got = ordered(expected["log"]), ordered(answer["log"])
    if wanted != got:
        missing = [row for row in wanted if row not in got]
        extra = [row for row in got if row not in wanted]
        return f"missing {missing[:2]}, too much {extra[:2]}"
    states = {entity_id: entity["state"] for entity_id, entity in expected["entities"].items()}
    return None if states == answer["entities"] else f"{states} != {answer['entities']}"


@pytest.fixture(name="lab_class")
def lab_class_fixture():
    return Lab


@pytest.fixture(name="difference")
def difference_function():
    return difference


@pytest.fixture
def make(request):
    """Make a lab with automations from YAML text, started."""

    def build(text, states=None, **case):
        lab = Lab({"automations": text, "states": states, **case})
        fill(lab.states, lab.clock, states)
        lab.bus.subscribe("*", lab.seen, owner="lab")
        lab.errors = lab.automations.load(yaml.safe_load(text), "automations.yaml")
        lab.automations.start()
        return lab

    return build


@pytest.fixture
def templates():
    """An engine over some states, on a clock that stands still."""
    clock = ManualClock(dt.datetime.fromisoformat(NOON))
    states = States(Bus(), clock)
    engine = Templates(states=states, clock=clock, time_zone=ZoneInfo("Europe/Amsterdam"))
    engine.lab_states = states
    engine.lab_clock = clock
    return engine

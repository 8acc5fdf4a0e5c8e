"""Every recorded template that renders as it does in Home Assistant."""

import datetime as dt
import json
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.automation.template.engine import Templates
from hub.automation.template.native import native
from hub.bus import Bus
from hub.errors import TemplateError
from hub.model import Context
from hub.states import States
from hub.testing.clock import ManualClock

ROWS = json.loads((Path(__file__).parents[1] / "data" / "templates.json").read_text("utf-8"))
KINDS = (bool, int, float, str, list, dict, set, tuple, bytes)
# Home Assistant's recording wraps a set in a class of its own.
WRAPPED = re.compile(r"^Wrapper\((.*)\)$")


def shown(value):
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return {"__repr__": repr(value)}


def kind_of(value):
    return next((k.__name__ for k in KINDS if isinstance(value, k)), type(value).__name__)


def engine(case):
    clock = ManualClock(dt.datetime.fromisoformat(case.get("now", "2025-03-03T12:00:00+00:00")))
    states = States(Bus(), clock)
    for entity_id, node in (case.get("states") or {}).items():
        given = node if isinstance(node, dict) else {"state": node}
        at_us = clock.now_us() - int(given.get("age_s", 0) * 1e6)
        attributes = given.get("attributes") or {}
        states.write(entity_id, given["state"], attributes, (at_us, at_us), Context())
    zone = ZoneInfo(case.get("tz", "Europe/Amsterdam"))
    return Templates(states=states, clock=clock, time_zone=zone)


def render(case):
    templates = engine(case)
    variables = case.get("variables") or {}
    mode = case.get("mode", "parse")
    if mode == "strict":
        return native(templates.evaluate(case["template"], variables, strict=True))
    template = templates.template(case["template"])
    if mode == "text":
        return template.text(variables)
    return template.render(variables, limited=mode == "limited")


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_template_renders_as_it_was_recorded(row):
    case, expected = row["case"], row["expected"]
    if not expected["ok"]:
        with pytest.raises(TemplateError):
            render(case)
        return

    value = render(case)

    assert kind_of(value) == expected["type"]
    if case.get("volatile") or expected.get("volatile"):
        return
    if "text_len" in expected:
        assert len(value) == expected["text_len"]
        return
    wanted = expected["result"]
    if isinstance(wanted, dict) and "__repr__" in wanted:
        wanted = {"__repr__": WRAPPED.sub(r"\1", wanted["__repr__"])}
    assert shown(value) == wanted

"""Reading triggers from YAML, in both spellings."""

from collections.abc import Callable, Mapping
from typing import Any

from hub.automation.sections import Section, shown
from hub.automation.triggers.base import Common, Trigger
from hub.automation.triggers.clock import parse_clock_time, parse_time_pattern
from hub.automation.triggers.events import parse_event, parse_homeassistant
from hub.automation.triggers.numeric import parse_numeric_state
from hub.automation.triggers.state import parse_state
from hub.automation.triggers.template import parse_template

TRIGGERS: dict[str, Callable[[Section, Common], Trigger]] = {
    "event": parse_event,
    "homeassistant": parse_homeassistant,
    "numeric_state": parse_numeric_state,
    "state": parse_state,
    "template": parse_template,
    "time": parse_clock_time,
    "time_pattern": parse_time_pattern,
}
"""Platform → how to read a trigger of it."""


def parse_triggers(section: Section, key: str, nodes: list[Any]) -> tuple[Trigger, ...]:
    """Read a list of triggers; a list inside the list counts as its items."""
    flat: list[Any] = []
    for node in nodes:
        if isinstance(node, Mapping) and set(node) == {"triggers"}:
            inner = node["triggers"]
            flat.extend(inner if isinstance(inner, list) else [inner])
        else:
            flat.append(node)
    return tuple(_parse(section, key, node, number) for number, node in enumerate(flat))


def _parse(section: Section, key: str, node: object, number: int) -> Trigger:
    inner = section.inner(node, f"{section.path}.{key}[{number}]", key)
    spelled, platform = inner.either("trigger", "platform")
    parse = TRIGGERS.get(platform) if isinstance(platform, str) else None
    if parse is None:
        available = ", ".join(sorted(TRIGGERS))
        wrong = shown(platform, inner.mark_at(spelled))
        inner.fail(f"trigger platform {wrong} is not available yet; there are {available}", spelled)
    common = Common(
        id=inner.text("id", str(number)),
        idx=str(number),
        alias=inner.text("alias", None),
        platform=str(platform),
        is_enabled=inner.enabled(),
        variables=inner.mapping("variables"),
    )
    trigger = parse(inner, common)
    inner.finish()
    return trigger

"""Reading conditions from YAML, in all their forms."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from hub.automation.clocktimes import parse_time
from hub.automation.conditions.base import Compound, Condition, TemplateCondition
from hub.automation.conditions.kinds import (
    DAYS,
    NumericCondition,
    StateCondition,
    TimeCondition,
    TriggerCondition,
)
from hub.automation.numeric import parse_range
from hub.automation.sections import Section, shown
from hub.automation.template.syntax import is_template
from hub.ids import is_entity_id

_SHORT = ("and", "or", "not")
_MAX_DEPTH = 20


def parse_conditions(
    section: Section, key: str, path: str, node: object = None
) -> tuple[Condition, ...]:
    """Read the list of conditions under *key*; *path* is where they stand in the trace."""
    nodes = section.items(key, []) if node is None else node
    if not isinstance(nodes, list | tuple):
        nodes = [nodes]
    return tuple(
        parse_condition(section, item, key, f"{path}/{number}") for number, item in enumerate(nodes)
    )


def parse_condition(section: Section, node: object, key: str, path: str) -> Condition:
    """Read one condition in any of its forms."""
    if path.count("/conditions/") > _MAX_DEPTH:
        section.fail(f"conditions are nested more than {_MAX_DEPTH} deep", key)
    if isinstance(node, str):
        if not is_template(node):
            wrong = shown(node, section.mark_at(key))
            section.fail(f"expected a condition or a template, got {wrong}", key)
        return TemplateCondition(path=path, template=section.compiled(str(node), key))
    inner = section.inner(node, f"{section.path}.{key}", key)
    kind = next((name for name in _SHORT if name in inner.node), None)
    if kind is not None and "condition" not in inner.node:
        return _compound(inner, kind, kind, path)
    kind_node = inner.take("condition")
    if isinstance(kind_node, list | tuple):
        inner.node = {**inner.node, "conditions": kind_node}
        return _compound(inner, "and", "conditions", path)
    if isinstance(kind_node, str) and is_template(kind_node):
        template = inner.compiled(str(kind_node), "condition")
        return _finished(inner, TemplateCondition, path, template=template)
    parse = CONDITIONS.get(str(kind_node))
    if parse is None:
        available = ", ".join(sorted(CONDITIONS))
        inner.fail(
            f"condition {shown(kind_node, inner.mark)} is not available yet; there are {available}",
            "condition",
        )
    return parse(inner, path)


def _finished(section: Section, made: type[Any], path: str, **parts: Any) -> Condition:  # noqa: ANN401
    is_enabled = section.enabled()
    section.take("alias", None)
    section.finish()
    condition: Condition = made(path=path, is_enabled=is_enabled, **parts)
    return condition


def _compound(section: Section, kind: str, key: str, path: str) -> Condition:
    parts = parse_conditions(section, key, f"{path}/conditions")
    return _finished(section, Compound, path, kind=kind, parts=parts)


def _state(section: Section, path: str) -> Condition:
    attribute = section.text("attribute", None)
    states = tuple(section.items("state"))
    for state in states:
        if attribute is None and not isinstance(state, str):
            section.fail(f"expected text in quotes, got {shown(state, section.mark)}", "state")
    return _finished(
        section,
        StateCondition,
        path,
        entities=section.entities(),
        states=tuple(str(s) if isinstance(s, str) else s for s in states),
        attribute=attribute,
        period=section.period("for"),
        is_any=section.choice("match", ("all", "any"), "all") == "any",
    )


def _numeric(section: Section, path: str) -> Condition:
    entities = section.entities()
    return _finished(section, NumericCondition, path, entities=entities, range=parse_range(section))


def _template(section: Section, path: str) -> Condition:
    template = section.template("value_template")
    return _finished(section, TemplateCondition, path, template=template)


def _clock(section: Section, key: str) -> dt.time | str | None:
    text = section.text(key, None)
    if text is None or is_entity_id(text.lower()):
        return None if text is None else str(text).lower()
    try:
        return parse_time(text)
    except ValueError as err:
        section.fail(f"{err}, or an entity", key)


def _time_condition(section: Section, path: str) -> Condition:
    days = tuple(section.texts("weekday", []))
    if any(day not in DAYS for day in days):
        section.fail(f"expected {', '.join(DAYS)}, got {', '.join(days)}", "weekday")
    after, before = _clock(section, "after"), _clock(section, "before")
    if after is None and before is None and not days:
        section.fail("expected after, before or weekday")
    return _finished(section, TimeCondition, path, after=after, before=before, days=days)


def _trigger(section: Section, path: str) -> Condition:
    return _finished(section, TriggerCondition, path, ids=tuple(section.texts("id")))


def _group(kind: str) -> Callable[[Section, str], Condition]:
    return lambda section, path: _compound(section, kind, "conditions", path)


CONDITIONS: dict[str, Callable[[Section, str], Condition]] = {
    "and": _group("and"),
    "not": _group("not"),
    "numeric_state": _numeric,
    "or": _group("or"),
    "state": _state,
    "template": _template,
    "time": _time_condition,
    "trigger": _trigger,
}
"""Kind of condition → how to read one."""

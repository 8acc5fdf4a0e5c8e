"""Reading steps from YAML: which kind a step is shows in its keys."""

from collections.abc import Callable, Mapping
from typing import Any

from hub.automation.conditions.reading import parse_condition, parse_conditions
from hub.automation.sections import Section, shown
from hub.automation.steps.base import Step, Steps
from hub.automation.steps.calls import parse_call, parse_event_step
from hub.automation.steps.flow import (
    Choice,
    ChooseStep,
    ConditionStep,
    IfStep,
    ParallelStep,
    RepeatStep,
    SequenceStep,
    StopStep,
    VariablesStep,
)
from hub.automation.steps.waits import (
    WaitTriggerStep,
    parse_delay,
    parse_wait_template,
    timeout_of,
)
from hub.automation.template.syntax import is_template
from hub.automation.triggers.reading import parse_triggers

_MAX_DEPTH = 20
_CONDITIONS = ("condition", "and", "or", "not")
_COMMON = ("alias", "enabled", "continue_on_error")


def parse_steps(section: Section, key: str, path: str, nodes: list[Any] | None = None) -> Steps:
    """Read the steps under *key*; *path* is where they stand in the trace."""
    found = section.items(key, []) if nodes is None else nodes
    return tuple(
        parse_step(section, node, key, f"{path}/{number}") for number, node in enumerate(found)
    )


def parse_step(section: Section, node: object, key: str, path: str) -> Step:
    """Read one step."""
    if path.count("/") > 2 * _MAX_DEPTH:
        section.fail(f"steps are nested more than {_MAX_DEPTH} deep", key)
    if isinstance(node, str) and is_template(node):
        condition = parse_condition(section, node, key, path)
        return ConditionStep(path=path, condition=condition)
    inner = section.inner(node, f"{section.path}.{key}[{path.rpartition('/')[2]}]", key)
    kind = _kind(inner)
    if kind in _CONDITIONS:
        return _condition(section, inner, key, path)
    common = {
        "path": path,
        "is_enabled": inner.enabled(),
        "continues_on_error": inner.flag("continue_on_error", False),
    }
    inner.take("alias", None)
    step = STEPS[kind](inner, common)
    inner.finish()
    return step


def _kind(section: Section) -> str:
    found = [name for name in STEPS if name in section.node]
    conditions = [name for name in _CONDITIONS if name in section.node]
    kinds = found + conditions[:1]
    if not kinds:
        given = next((k for k in section.node if k not in _COMMON), None)
        available = ", ".join(sorted((*STEPS, "condition")))
        wrong = shown(given, section.mark)
        section.fail(f"step {wrong} is not available yet; there are {available}", given)
    if len(kinds) > 1 and set(kinds) - {"action", "service", "service_template"}:
        section.fail(f"expected one kind of step, got {' and '.join(kinds)}", kinds[1])
    return kinds[0]


def _condition(section: Section, inner: Section, key: str, path: str) -> Step:
    node = {k: v for k, v in inner.node.items() if k != "continue_on_error"}
    is_enabled = inner.enabled()
    same = inner.node if len(node) == len(inner.node) else node
    condition = parse_condition(section, same, key, path)
    return ConditionStep(path=path, is_enabled=is_enabled, condition=condition)


def _variables(section: Section, common: dict[str, Any]) -> Step:
    return VariablesStep(variables=section.mapping("variables"), **common)


def _stop(section: Section, common: dict[str, Any]) -> Step:
    return StopStep(
        reason=section.value("stop"),
        is_error=section.flag("error", False),
        response_variable=section.text("response_variable", None),
        **common,
    )


def _if(section: Section, common: dict[str, Any]) -> Step:
    path = common["path"]
    if "then" not in section.node:
        section.fail("then is missing")
    return IfStep(
        conditions=parse_conditions(section, "if", f"{path}/if/condition"),
        then=parse_steps(section, "then", f"{path}/then"),
        otherwise=parse_steps(section, "else", f"{path}/else"),
        **common,
    )


def _choose(section: Section, common: dict[str, Any]) -> Step:
    path = common["path"]
    choices = []
    for number, node in enumerate(section.items("choose")):
        inner = section.inner(node, f"{section.path}.choose[{number}]", "choose")
        place = f"{path}/choose/{number}"
        name, _ = inner.either("conditions", "condition")
        if "sequence" not in inner.node:
            inner.fail("sequence is missing")
        choice = Choice(
            path=place,
            conditions=parse_conditions(inner, name, f"{place}/conditions"),
            steps=parse_steps(inner, "sequence", f"{place}/sequence"),
        )
        inner.take("alias", None)
        inner.finish()
        choices.append(choice)
    default = parse_steps(section, "default", f"{path}/default")
    return ChooseStep(choices=tuple(choices), default=default, **common)


def _repeat(section: Section, common: dict[str, Any]) -> Step:
    path = common["path"]
    inner = section.inner(section.take("repeat"), f"{section.path}.repeat", "repeat")
    kinds = [k for k in ("count", "for_each", "while", "until") if k in inner.node]
    if len(kinds) != 1:
        inner.fail(f"expected one of count, for_each, while, until, got {len(kinds)} of them")
    kind = kinds[0]
    if "sequence" not in inner.node:
        inner.fail("sequence is missing")
    loops = (
        parse_conditions(inner, kind, f"{path}/repeat/{kind}")
        if kind in ("while", "until")
        else None
    )
    step = RepeatStep(
        count=inner.value("count") if kind == "count" else None,
        for_each=inner.value("for_each") if kind == "for_each" else None,
        while_=loops if kind == "while" else None,
        until=loops if kind == "until" else None,
        steps=parse_steps(inner, "sequence", f"{path}/repeat/sequence"),
        **common,
    )
    inner.finish()
    return step


def _parallel(section: Section, common: dict[str, Any]) -> Step:
    branches = []
    for number, node in enumerate(section.items("parallel")):
        place = f"{common['path']}/parallel/{number}/sequence"
        nodes: list[Any] = [node]
        if isinstance(node, list):
            nodes = node
        elif (
            isinstance(node, Mapping) and "sequence" in node and set(node) <= {"sequence", "alias"}
        ):
            inner = node["sequence"]
            nodes = inner if isinstance(inner, list) else [inner]
        branches.append(parse_steps(section, "parallel", place, nodes))
    return ParallelStep(branches=tuple(branches), **common)


def _sequence(section: Section, common: dict[str, Any]) -> Step:
    return SequenceStep(
        steps=parse_steps(section, "sequence", f"{common['path']}/sequence"), **common
    )


def _wait_for_trigger(section: Section, common: dict[str, Any]) -> Step:
    nodes = section.items("wait_for_trigger")
    triggers = parse_triggers(section, "wait_for_trigger", nodes)
    return WaitTriggerStep(triggers=triggers, **timeout_of(section), **common)


STEPS: dict[str, Callable[[Section, dict[str, Any]], Step]] = {
    "delay": parse_delay,
    "wait_template": parse_wait_template,
    "event": parse_event_step,
    "repeat": _repeat,
    "choose": _choose,
    "wait_for_trigger": _wait_for_trigger,
    "variables": _variables,
    "if": _if,
    "action": parse_call,
    "service": parse_call,
    "service_template": parse_call,
    "stop": _stop,
    "parallel": _parallel,
    "sequence": _sequence,
}
"""Key that names a kind of step → how to read it. Conditions are steps too."""

"""Reading automations from YAML nodes; one that is wrong never takes another with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from hub.automation.conditions.base import Condition
from hub.automation.conditions.reading import parse_conditions
from hub.automation.sections import Section, shown
from hub.automation.steps.base import Steps
from hub.automation.steps.reading import parse_steps
from hub.automation.template.engine import Templates
from hub.automation.triggers.base import Trigger
from hub.automation.triggers.reading import parse_triggers
from hub.automation.values import Value
from hub.config.nodes import Mark, child_mark, mark_of
from hub.errors import ConfigError

MODES = ("single", "restart", "queued", "parallel")
_LEVELS = ("silent", "debug", "info", "warning", "error", "critical")
_DEFAULT_MAX = 10
_DEFAULT_TRACES = 5
_MOST_TRACES = 100
_MOST_RUNS = 1000


@frozen(kw_only=True)
class AutomationConfig:
    """One automation as it was written, ready to run."""

    id: str | None
    alias: str
    description: str
    mode: str
    max_run_count: int
    max_exceeded: str
    initial_state: bool | None
    trace_count: int
    triggers: tuple[Trigger, ...]
    conditions: tuple[Condition, ...]
    steps: Steps
    variables: Mapping[str, Value]
    trigger_variables: Mapping[str, Value]
    needs_this: bool
    raw: Mapping[str, Any]


@frozen(kw_only=True)
class Loaded:
    """What one node became: a configuration, or an error. ``name`` is what to show."""

    name: str
    id: str | None
    raw: object
    config: AutomationConfig | None
    error: ConfigError | None


def load_automations(nodes: object, source: str, templates: Templates) -> list[Loaded]:
    """Read every automation among *nodes*: a list, one mapping, or nothing."""
    mark = mark_of(nodes, Mark(source, 0))
    if nodes is None:
        return []
    items = nodes if isinstance(nodes, list | tuple) else [nodes]
    return [
        _load(item, number, child_mark(nodes, number, mark), templates)
        for number, item in enumerate(items)
    ]


def _load(node: object, number: int, mark: Mark, templates: Templates) -> Loaded:
    given = node if isinstance(node, Mapping) else {}
    item_id = given.get("id")
    item_id = str(item_id) if isinstance(item_id, str | int) else None
    alias = given.get("alias")
    name = str(alias) if isinstance(alias, str) and alias else item_id or f"automation {number}"
    config: AutomationConfig | None = None
    error: ConfigError | None = None
    try:
        section = Section(node, f"automations[{number}]", mark, templates)
        config = _parse(section, name)
    except ConfigError as err:
        error = err
    except RecursionError:
        problem = "nested too deeply"
        error = ConfigError(mark.file, mark.line or None, f"automations[{number}]", problem)
    return Loaded(name=name, id=item_id, raw=node, config=config, error=error)


def _parse(section: Section, name: str) -> AutomationConfig:
    if "use_blueprint" in section.node:
        section.fail("blueprints are not available yet", "use_blueprint")
    item_id = section.text("id", None)
    section.text("alias", None)
    mode = section.choice("mode", MODES, "single")
    trigger_key, triggers = section.either("triggers", "trigger")
    condition_key, _ = section.either("conditions", "condition", [])
    action_key, _ = section.either("actions", "action")
    config = AutomationConfig(
        id=item_id,
        alias=name,
        description=section.text("description", "") or "",
        mode=mode,
        max_run_count=_max(section, mode),
        max_exceeded=section.choice("max_exceeded", _LEVELS, "warning").lower(),
        initial_state=_initial(section),
        trace_count=_traces(section),
        triggers=parse_triggers(section, trigger_key, _listed(triggers)),
        conditions=parse_conditions(section, condition_key, "condition"),
        steps=parse_steps(section, action_key, "action"),
        variables=section.mapping("variables"),
        trigger_variables=section.mapping("trigger_variables"),
        needs_this=mentions(section.node, "this"),
        raw=section.node,
    )
    section.finish()
    return config


def _listed(node: object) -> list[Any]:
    if node is None:
        return []
    return list(node) if isinstance(node, list | tuple) else [node]


def _max(section: Section, mode: str) -> int:
    value = section.take("max", _DEFAULT_MAX)
    if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= _MOST_RUNS:
        wrong = shown(value, section.mark)
        section.fail(f"expected a whole number from 2 to {_MOST_RUNS}, got {wrong}", "max")
    return value if mode in ("queued", "parallel") else 1


def _initial(section: Section) -> bool | None:
    return section.flag("initial_state", True) if "initial_state" in section.node else None


def _traces(section: Section) -> int:
    if section.node.get("trace") is None:
        section.take("trace", None)
        return _DEFAULT_TRACES
    inner = section.inner(section.take("trace"), f"{section.path}.trace", "trace")
    count = inner.take("stored_traces", _DEFAULT_TRACES)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _MOST_TRACES:
        inner.fail(f"expected a whole number from 0 to {_MOST_TRACES}", "stored_traces")
    inner.finish()
    return count


def mentions(node: object, name: str) -> bool:
    """Tell whether a text anywhere inside *node* contains *name*."""
    waiting: list[object] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if name in item:
                return True
        elif isinstance(item, Mapping):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, Sequence) and not isinstance(item, bytes):
            waiting.extend(item)
    return False

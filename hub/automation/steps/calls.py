"""Steps that act on the world: calling an action, publishing an event."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from hub.automation.run import Run
from hub.automation.sections import Section
from hub.automation.steps.base import Step
from hub.automation.template.engine import Template
from hub.automation.values import Value
from hub.errors import ActionNotFound, InvalidActionData, TemplateError
from hub.event import CustomEvent

_NOTHING: Mapping[str, Any] = {}
_TARGETS = ("entity_id", "device_id", "area_id", "floor_id", "label_id")


@frozen(kw_only=True)
class CallStep(Step):
    """Calls an action and waits for its end."""

    name: str | Template
    data: tuple[Value, ...]
    target: Value | None
    response_variable: str | None

    async def run(self, run: Run) -> None:
        """Render the data, call, keep the response."""
        variables = run.variables
        name = self.name if isinstance(self.name, str) else self.name.text(variables).lower()
        data: dict[str, Any] = {}
        for value in self.data:
            rendered = value.render(variables)
            if not isinstance(rendered, Mapping):
                raise InvalidActionData(f"{name}: data: expected a mapping, got {rendered!r:.60}")
            data.update(rendered)
        if self.target is not None:
            data.update(_target(name, self.target.render(variables)))
        actions = run.rooms.actions
        action = actions.get(name)
        if action is None:
            raise ActionNotFound(name)
        if self.response_variable is None:
            if action.response == "only":
                raise InvalidActionData(f"{name}: response_variable is missing")
        elif action.response == "none":
            raise InvalidActionData(f"{name} gives no response for response_variable")
        response = await actions.call(name, data, context=run.context)
        if self.response_variable is not None:
            variables.assign(self.response_variable, dict(response or _NOTHING))


def _target(name: str, rendered: object) -> dict[str, Any]:
    if not isinstance(rendered, Mapping):
        raise InvalidActionData(f"{name}: target: expected a mapping, got {rendered!r:.60}")
    target: dict[str, Any] = {}
    for key, value in rendered.items():
        items = value.split(",") if isinstance(value, str) else value
        is_list = isinstance(items, list | tuple)
        target[str(key)] = [str(i).strip() for i in items] if is_list else [value]
    return target


@frozen(kw_only=True)
class EventStep(Step):
    """Publishes an event on the bus."""

    event: Value
    data: tuple[Value, ...]

    async def run(self, run: Run) -> None:
        """Publish it; if the data can't be rendered, without data."""
        data: dict[str, Any] = {}
        try:
            for value in self.data:
                rendered = value.render(run.variables)
                data.update(rendered if isinstance(rendered, Mapping) else {})
        except TemplateError as err:
            run.problem(f"{self.path}: {err}")
            data = {}
        name = str(self.event.render(run.variables))
        now_us = run.rooms.clock.now_us()
        run.rooms.bus.publish(CustomEvent(name, data, context=run.context, fired_us=now_us))


def _data(section: Section, *keys: str) -> tuple[Value, ...]:
    found = []
    for key in keys:
        node = section.node.get(key)
        if node is None:
            section.take(key, None)
            continue
        if not isinstance(node, Mapping | str):
            section.fail("expected a mapping", key)
        found.append(section.value(key))
    return tuple(found)


def parse_call(section: Section, common: dict[str, Any]) -> Step:
    """Read a call of an action."""
    kinds = [k for k in ("action", "service", "service_template") if k in section.node]
    if len(kinds) > 1:
        section.fail(f"expected {kinds[0]} or {kinds[1]}, got both", kinds[1])
    template = section.template(kinds[0])
    name = template.source.strip().lower() if template.is_static else template
    if isinstance(name, str) and not all(name.partition(".")):
        section.fail(f"expected an action such as notify.mail, got {name[:40]!r}", kinds[0])
    data = list(_data(section, "data", "data_template"))
    if "entity_id" in section.node:
        data.append(Value({"entity_id": section.take("entity_id")}, section.templates))
    target = section.value("target") if section.node.get("target") is not None else None
    section.take("target", None)
    section.take("metadata", None)
    _check_target(section)
    return CallStep(
        name=name,
        data=tuple(data),
        target=target,
        response_variable=section.text("response_variable", None),
        **common,
    )


def _check_target(section: Section) -> None:
    node = section.node.get("target")
    if node is None or isinstance(node, str):
        return
    if not isinstance(node, Mapping):
        section.fail("expected a mapping", "target")
    unknown = [key for key in node if key not in _TARGETS]
    if unknown:
        section.fail(f"expected {', '.join(_TARGETS)}, got {unknown[0]}", "target")


def parse_event_step(section: Section, common: dict[str, Any]) -> Step:
    """Read an event to publish."""
    if not isinstance(section.node.get("event"), str):
        section.fail("expected the name of an event", "event")
    return EventStep(
        event=section.value("event"),
        data=_data(section, "event_data", "event_data_template"),
        **common,
    )

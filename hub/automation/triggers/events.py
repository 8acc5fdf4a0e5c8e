"""The triggers ``event`` and ``homeassistant``: something is published on the bus."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from attrs import frozen

from hub.automation.sections import Section
from hub.automation.triggers.base import Common, Detach, Site, Trigger
from hub.automation.values import Value
from hub.event import Event, type_of
from hub.events import HubStopping, StateChanged

_PLAIN = (str, int, float, bool)


class FiredEvent:
    """An event as templates see it: ``trigger.event.data``, ``.event_type``, ``.context``."""

    __slots__ = ("_event",)

    def __init__(self, event: Event) -> None:
        self._event = event

    @property
    def event_type(self) -> str:
        """The event's name on the wire."""
        return type_of(self._event)

    @property
    def data(self) -> Mapping[str, Any]:
        """The event's own fields."""
        return self._event.data

    @property
    def context(self) -> Any:  # noqa: ANN401 - a Context; templates read its fields
        """What caused it."""
        return self._event.context

    @property
    def time_fired(self) -> Any:  # noqa: ANN401 - a datetime
        """When it happened."""
        return self._event.time_fired

    @property
    def origin(self) -> str:
        """Where it happened; the hub has one place."""
        return "LOCAL"


@frozen(kw_only=True)
class EventTrigger(Trigger):
    """Fires for events of certain types whose data holds certain values."""

    types: tuple[Value, ...]
    data: Value
    context: Value

    def attach(self, site: Site) -> Detach:
        """Subscribe; where a wanted value can be looked up, the bus finds it in an index."""
        variables = site.variables
        data: Mapping[str, Any] = self.data.render(variables) or {}
        context: Mapping[str, Any] = self.context.render(variables) or {}
        field = next((k for k, v in data.items() if isinstance(v, _PLAIN)), None)
        where = None if field is None else {field: data[field]}
        rest = {k: v for k, v in data.items() if k != field}
        stops = [
            site.rooms.bus.subscribe(
                str(kind.render(variables)),
                partial(self._fired, site, rest, context),
                owner=site.name,
                where=where,
            )
            for kind in self.types
        ]

        def detach() -> None:
            for stop in stops:
                stop()

        return detach

    def _fired(
        self, site: Site, data: Mapping[str, Any], context: Mapping[str, Any], event: Event
    ) -> None:
        if isinstance(event, StateChanged) and event.is_late:
            return
        if data and not _holds(event.data, data):
            return
        if context:
            known = event.context.as_dict()
            if not all(_is_one_of(known.get(key), wanted) for key, wanted in context.items()):
                return
        fired = FiredEvent(event)
        description = f"event '{fired.event_type}'"
        variables = {**self.base, "event": fired, "description": description}
        site.fire(self, variables, event.context)


def _holds(data: object, wanted: object) -> bool:
    """Tell whether *data* equals *wanted*; of mappings, those keys that are wanted."""
    if isinstance(wanted, Mapping):
        if not isinstance(data, Mapping):
            return False
        return all(key in data and _holds(data[key], value) for key, value in wanted.items())
    if isinstance(wanted, str) != isinstance(data, str):
        return False
    return isinstance(wanted, bool) == isinstance(data, bool) and data == wanted


def _is_one_of(value: object, wanted: object) -> bool:
    return value in wanted if isinstance(wanted, list | tuple) else value == wanted


@frozen(kw_only=True)
class HubTrigger(Trigger):
    """Fires when the hub itself starts or stops."""

    event: str

    def attach(self, site: Site) -> Detach:
        """Fire at once if the hub starts, or wait until it stops."""
        variables = {**self.base, "event": self.event}
        if self.event == "start":
            if site.is_starting:
                site.fire(self, {**variables, "description": "Home Assistant starting"}, None)
            return lambda: None
        variables["description"] = "Home Assistant stopping"
        return site.rooms.bus.subscribe(
            HubStopping, lambda event: site.fire(self, variables, event.context), owner=site.name
        )


def parse_event(section: Section, common: Common) -> Trigger:
    """Read a trigger ``event``."""
    types = tuple(Value(text, section.templates) for text in section.texts("event_type") if text)
    if not types:
        section.fail("expected the name of an event, got nothing", "event_type")
    if "state_reported" in section.node.get("event_type", ()):
        section.fail("state_reported is too frequent for a trigger", "event_type")
    for key in ("event_data", "context"):
        if not isinstance(section.node.get(key, {}), Mapping | None):
            section.fail("expected a mapping", key)
    return EventTrigger(
        common=common,
        types=types,
        data=section.value("event_data", None),
        context=section.value("context", None),
    )


def parse_homeassistant(section: Section, common: Common) -> Trigger:
    """Read a trigger ``homeassistant``."""
    return HubTrigger(common=common, event=section.choice("event", ("start", "shutdown")))

"""The trigger ``state``: an entity's state or attribute changes."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import frozen

from hub.automation.periods import Period
from hub.automation.sections import Section, shown
from hub.automation.triggers.base import Common, Detach, Holds, Site, Trigger, resolve, value_of
from hub.events import StateChanged

Match = Callable[[Any], bool]
_KEYS = ("from", "to", "not_from", "not_to")


@frozen(kw_only=True)
class StateTrigger(Trigger):
    """Fires when a state changes from and to certain values.

    ``is_any_change`` means that no value was named: then a change of any attribute fires too.
    ``follows_old`` is set for a ``from`` alone: its timer goes on until the old value is back.
    """

    entities: tuple[str, ...]
    matches_from: Match
    matches_to: Match
    is_any_change: bool
    follows_old: bool
    attribute: str | None
    period: Period | None

    def attach(self, site: Site) -> Detach:
        """Watch the entities."""
        holds = Holds(site)
        changed = partial(self._changed, site, holds)
        stops = [
            site.rooms.bus.subscribe(
                StateChanged, changed, owner=site.name, where={"entity_id": entity_id}
            )
            for entity_id in self.entities
        ]

        def detach() -> None:
            holds.cancel()
            for stop in stops:
                stop()

        return detach

    def _changed(self, site: Site, holds: Holds, event: StateChanged) -> None:
        if event.is_late:
            return
        attribute = self.attribute
        old = value_of(event.old_state, attribute)
        new = value_of(event.new_state, attribute)
        if old == new and (attribute is not None or not self.is_any_change):
            return
        if not self.matches_from(old) or not self.matches_to(new):
            return
        variables = {
            **self.base,
            "entity_id": event.entity_id,
            "from_state": event.old_state,
            "to_state": event.new_state,
            "for": None,
            "attribute": attribute,
            "description": f"state of {event.entity_id}",
        }
        if self.period is None:
            site.fire(self, variables, event.context)
            return
        length = resolve(site, self.period, {"trigger": variables})
        if length is None:
            return
        variables["for"] = length
        fire = partial(site.fire, self, variables, event.context)
        if length == dt.timedelta():
            fire()
        else:
            still = partial(self._is_same, old, new)
            holds.begin(length, (event.entity_id,), still, fire)

    def _is_same(self, old: object, new: object, event: StateChanged) -> bool:
        if event.new_state is None:
            return False
        value = value_of(event.new_state, self.attribute)
        return bool(value != old if self.follows_old else value == new)


def _always(value: object) -> bool:
    return True


def _match(section: Section, name: str, has_attribute: bool) -> Match:
    inverted = f"not_{name}"
    if name in section.node and inverted in section.node:
        section.fail(f"expected {name} or {inverted}, got both", inverted)
    key = name if name in section.node else inverted
    node = section.take(key, None)
    if node is None:
        return _always
    wanted = list(node) if isinstance(node, list | tuple) else [node]
    for value in wanted:
        if not has_attribute and not isinstance(value, str):
            wrong = shown(value, section.mark_at(key))
            section.fail(f"expected text, got {wrong}: put it in quotes", key)
    values = tuple(str(value) if isinstance(value, str) else value for value in wanted)
    if key == inverted:
        return lambda value: value not in values
    return lambda value: value in values


def parse_state(section: Section, common: Common) -> Trigger:
    """Read a trigger ``state``."""
    attribute = section.text("attribute", None)
    given = [key for key in _KEYS if key in section.node]
    return StateTrigger(
        common=common,
        entities=section.entities(),
        matches_from=_match(section, "from", attribute is not None),
        matches_to=_match(section, "to", attribute is not None),
        is_any_change=not given,
        follows_old="from" in given and "to" not in given,
        attribute=attribute,
        period=section.period("for"),
    )

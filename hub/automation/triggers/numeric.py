"""The trigger ``numeric_state``: a value enters a range."""

import datetime as dt
from functools import partial

from attrs import frozen

from hub.automation.numeric import Range, parse_range
from hub.automation.periods import Period
from hub.automation.sections import Section
from hub.automation.triggers.base import Common, Detach, Holds, Site, Trigger, resolve
from hub.errors import HubError
from hub.events import StateChanged
from hub.state import State


@frozen(kw_only=True)
class NumericTrigger(Trigger):
    """Fires when a value that was outside the range lies inside.

    Each entity is armed by being outside; no value counts as outside, text that is no number as
    neither.
    """

    entities: tuple[str, ...]
    range: Range
    period: Period | None

    def attach(self, site: Site) -> Detach:
        """Watch the entities."""
        holds = Holds(site)
        armed: set[str] = set()
        for entity_id in self.entities:
            state = site.rooms.states.get(entity_id)
            if state is None:
                site.problem(f"numeric_state: unknown entity {entity_id}")
            elif self._is_inside(site, state) is False:
                armed.add(entity_id)
        changed = partial(self._changed, site, holds, armed)
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

    def _is_inside(self, site: Site, state: State) -> bool | None:
        try:
            return self.range.contains(state, site.rooms.states, site.variables)
        except HubError as err:
            site.problem(f"numeric_state: {err}")
            return None

    def _changed(self, site: Site, holds: Holds, armed: set[str], event: StateChanged) -> None:
        if event.is_late:
            return
        state, entity_id = event.new_state, event.entity_id
        if state is None:
            return
        is_inside = self._is_inside(site, state)
        if is_inside is False:
            armed.add(entity_id)
        if not is_inside or entity_id not in armed:
            return
        armed.discard(entity_id)
        variables = {
            **self.base,
            "entity_id": entity_id,
            "below": self.range.below,
            "above": self.range.above,
            "from_state": event.old_state,
            "to_state": state,
            "for": None,
            "description": f"numeric state of {entity_id}",
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
            return

        def is_still_inside(later: StateChanged) -> bool:
            return later.new_state is not None and bool(self._is_inside(site, later.new_state))

        holds.begin(length, (entity_id,), is_still_inside, fire)


def parse_numeric_state(section: Section, common: Common) -> Trigger:
    """Read a trigger ``numeric_state``."""
    return NumericTrigger(
        common=common,
        entities=section.entities(),
        range=parse_range(section),
        period=section.period("for"),
    )

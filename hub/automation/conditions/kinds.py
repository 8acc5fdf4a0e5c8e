"""The kinds of conditions that look at entities, the clock and the trigger."""

import datetime as dt
from typing import Any

from attrs import frozen

from hub.automation.clocktimes import parse_time
from hub.automation.conditions.base import Condition
from hub.automation.numeric import Range
from hub.automation.periods import Period
from hub.automation.run import Run
from hub.errors import AutomationError, HubError
from hub.ids import is_entity_id
from hub.state import State

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@frozen(kw_only=True)
class StateCondition(Condition):
    """Entities are in one of certain states."""

    entities: tuple[str, ...]
    states: tuple[Any, ...]
    attribute: str | None
    period: Period | None
    is_any: bool

    def holds(self, run: Run) -> bool:
        """Tell whether all entities match, or any."""
        is_any = False
        for number, entity_id in enumerate(self.entities):
            entry = run.enter(f"{self.path}/entity_id/{number}")
            try:
                result = self._matches(run, entity_id)
            except HubError as err:
                entry.error = str(err)
                raise
            entry.result = {"result": result}
            if not result and not self.is_any:
                return False
            is_any = is_any or result
        return is_any

    def _matches(self, run: Run, entity_id: str) -> bool:
        state = known(run, entity_id)
        if self.attribute is not None:
            if self.attribute not in state.attributes:
                return False
            value = state.attributes[self.attribute]
        else:
            value = state.state
        if not any(value == _wanted(run, wanted) for wanted in self.states):
            return False
        if self.period is None:
            return True
        length = self.period.resolve(run.variables)
        since = run.rooms.clock.now_us() - state.changed_us
        return since > length / dt.timedelta(microseconds=1)


def _wanted(run: Run, wanted: object) -> object:
    if isinstance(wanted, str) and wanted.startswith("input_") and is_entity_id(wanted):
        helper = run.rooms.states.get(wanted)
        return wanted if helper is None else helper.state
    return wanted


def known(run: Run, entity_id: str) -> State:
    """Return a state.

    Raises:
        AutomationError: There is no such entity.
    """
    state = run.rooms.states.get(entity_id)
    if state is None:
        raise AutomationError(f"unknown entity {entity_id}")
    return state


@frozen(kw_only=True)
class NumericCondition(Condition):
    """The values of entities lie inside a range."""

    entities: tuple[str, ...]
    range: Range

    def holds(self, run: Run) -> bool:
        """Tell whether all of them do."""
        result = False
        for number, entity_id in enumerate(self.entities):
            entry = run.enter(f"{self.path}/entity_id/{number}")
            try:
                state = known(run, entity_id)
                result = self.range.contains(state, run.rooms.states, run.variables)
            except HubError as err:
                entry.error = str(err)
                raise
            entry.result = {"result": result}
            if not result:
                break
        return result


@frozen(kw_only=True)
class TimeCondition(Condition):
    """The local time of day lies in a span, and the day is one of certain days."""

    after: dt.time | str | None
    before: dt.time | str | None
    days: tuple[str, ...]

    def holds(self, run: Run) -> bool:
        """Compare with the clock."""
        zone = run.rooms.templates.time_zone
        now = run.rooms.clock.now().astimezone(zone)
        if self.days and DAYS[now.weekday()] not in self.days:
            return False
        if self.after is None and self.before is None:
            return True
        after = dt.time() if self.after is None else _time(run, self.after)
        before = None if self.before is None else _time(run, self.before)
        moment = now.time()
        if before is None:
            return moment >= after
        if after < before:
            return after <= moment < before
        # A span over midnight; from a time to itself it is the whole day.
        return moment >= after or moment < before


def _time(run: Run, when: dt.time | str) -> dt.time:
    if isinstance(when, dt.time):
        return when
    state = known(run, when)
    try:
        if state.attributes.get("device_class") == "timestamp":
            moment = dt.datetime.fromisoformat(state.state)
            return moment.astimezone(run.rooms.templates.time_zone).time()
        return parse_time(state.state.rpartition(" ")[2])
    except ValueError as err:
        raise AutomationError(f"{when}: expected a time, got {state.state[:40]!r}") from err


@frozen(kw_only=True)
class TriggerCondition(Condition):
    """The run was started by one of certain triggers."""

    ids: tuple[str, ...]

    def holds(self, run: Run) -> bool:
        """Compare with the id of the trigger."""
        trigger = run.variables.get("trigger")
        return isinstance(trigger, dict) and str(trigger.get("id")) in self.ids

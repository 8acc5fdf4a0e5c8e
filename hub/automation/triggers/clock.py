"""The triggers ``time`` and ``time_pattern``: the local clock reaches a moment."""

import datetime as dt
from collections.abc import Callable, Mapping

from attrs import frozen

from hub.automation.clocktimes import ClockPattern, parse_time, pattern_of
from hub.automation.periods import parse_period
from hub.automation.sections import Section, shown
from hub.automation.template.engine import Template
from hub.automation.template.syntax import is_template
from hub.automation.triggers.base import Common, Detach, Site, Trigger
from hub.errors import AutomationError
from hub.events import StateChanged
from hub.ids import is_entity_id
from hub.state import State

_SECOND = dt.timedelta(seconds=1)
_LIMITS = {"hours": 23, "minutes": 59, "seconds": 59}


def every(site: Site, pattern: ClockPattern, fire: Callable[[dt.datetime], None]) -> Detach:
    """Call *fire* with the local time whenever the clock matches *pattern*."""
    clock, zone = site.rooms.clock, site.rooms.templates.time_zone
    stop: Callable[[], None] = _nothing

    def wait(after: dt.datetime) -> None:
        nonlocal stop
        moment = pattern.next(after, zone)
        if moment is not None:
            stop = clock.call_at(moment, lambda: due(moment))

    def due(moment: dt.datetime) -> None:
        # Wait for the next one first: what fires may detach this trigger.
        wait(moment + _SECOND)
        fire(moment.astimezone(zone))

    wait(clock.now())
    return lambda: stop()  # noqa: PLW0108 - the timer changes


def _nothing() -> None:
    pass


@frozen(kw_only=True)
class TimeTrigger(Trigger):
    """Fires at times of day, or when an entity says."""

    times: tuple[dt.time | str | Template, ...]
    offsets: Mapping[str, dt.timedelta]

    def attach(self, site: Site) -> Detach:
        """Wait for each of the times."""
        stops = [self._attach(site, self._read(site, time)) for time in self.times]

        def detach() -> None:
            for stop in stops:
                stop()

        return detach

    def _read(self, site: Site, time: dt.time | str | Template) -> dt.time | str:
        if not isinstance(time, Template):
            return time
        text = str(time.render(site.variables, limited=True))
        if is_entity_id(text.lower()):
            return text.lower()
        try:
            return parse_time(text)
        except ValueError as err:
            raise AutomationError(f"time trigger: {err}") from err

    def _attach(self, site: Site, time: dt.time | str) -> Detach:
        if isinstance(time, dt.time):
            return every(site, pattern_of(time), lambda now: self._fire(site, now, None))
        return self._follow(site, time)

    def _fire(self, site: Site, now: dt.datetime, entity_id: str | None) -> None:
        description = f"time set in {entity_id}" if entity_id else "time"
        variables = {**self.base, "now": now, "description": description, "entity_id": entity_id}
        site.fire(self, variables, None)

    def _follow(self, site: Site, entity_id: str) -> Detach:
        stop: Callable[[], None] = _nothing

        def follow(state: State | None) -> None:
            nonlocal stop
            stop()
            stop = self._schedule(site, entity_id, state)

        def changed(event: StateChanged) -> None:
            if not event.is_late:
                follow(event.new_state)

        leave = site.rooms.bus.subscribe(
            StateChanged, changed, owner=site.name, where={"entity_id": entity_id}
        )
        follow(site.rooms.states.get(entity_id))

        def detach() -> None:
            leave()
            stop()

        return detach

    def _schedule(self, site: Site, entity_id: str, state: State | None) -> Detach:
        offset = self.offsets.get(entity_id, dt.timedelta())
        zone = site.rooms.templates.time_zone
        when = None if state is None else _moment(state, zone)
        if isinstance(when, dt.time):
            at = (dt.datetime.combine(dt.date(2000, 1, 1), when) + offset).time()
            return every(site, pattern_of(at), lambda now: self._fire(site, now, entity_id))
        if when is None or when + offset <= site.rooms.clock.now():
            return _nothing
        moment = when + offset
        return site.rooms.clock.call_at(
            moment, lambda: self._fire(site, moment.astimezone(zone), entity_id)
        )


def _moment(state: State, zone: dt.tzinfo) -> dt.datetime | dt.time | None:
    """Return what an entity says: a moment, a time of day, or nothing usable."""
    try:
        if state.domain == "sensor":
            moment = dt.datetime.fromisoformat(state.state)
            return moment if moment.tzinfo else moment.replace(tzinfo=zone)
        if not state.attributes.get("has_date"):
            return parse_time(state.state)
        moment = dt.datetime.fromisoformat(state.state)
        return moment.replace(tzinfo=zone)
    except ValueError:
        return None


@frozen(kw_only=True)
class PatternTrigger(Trigger):
    """Fires whenever the clock matches a pattern."""

    pattern: ClockPattern

    def attach(self, site: Site) -> Detach:
        """Wait for the next match, again and again."""

        def fire(now: dt.datetime) -> None:
            variables = {**self.base, "now": now, "description": "time pattern"}
            site.fire(self, variables, None)

        return every(site, self.pattern, fire)


def parse_clock_time(section: Section, common: Common) -> Trigger:
    """Read a trigger ``time``."""
    offsets: dict[str, dt.timedelta] = {}
    times = tuple(_time(section, node, offsets) for node in section.items("at"))
    if not times:
        section.fail("expected a time, got nothing", "at")
    return TimeTrigger(common=common, times=times, offsets=offsets)


def _time(
    section: Section,
    node: object,
    offsets: dict[str, dt.timedelta],
) -> dt.time | str | Template:
    if isinstance(node, Mapping):
        inner = section.inner(node, f"{section.path}.at", "at")
        entity_id = inner.entities()[0]
        period = inner.take("offset", 0)
        inner.finish()
        offsets[entity_id] = _offset(section, period)
        return entity_id
    if not isinstance(node, str):
        wrong = shown(node, section.mark_at("at"))
        section.fail(f"expected a time in quotes such as '07:30:00', got {wrong}", "at")
    if is_template(node):
        return section.compiled(str(node), "at")
    text = str(node).lower()
    if is_entity_id(text) and text.partition(".")[0] in ("input_datetime", "sensor"):
        return text
    try:
        return parse_time(text)
    except ValueError as err:
        section.fail(f"{err}, or an entity of input_datetime or sensor", "at")


def _offset(section: Section, node: object) -> dt.timedelta:
    try:
        return parse_period(node)
    except ValueError as err:
        section.fail(str(err), "at")


def parse_time_pattern(section: Section, common: Common) -> Trigger:
    """Read a trigger ``time_pattern``."""
    given = [unit for unit in _LIMITS if unit in section.node]
    if not given:
        section.fail("expected hours, minutes or seconds")
    first = list(_LIMITS).index(given[0])
    values: list[frozenset[int] | None] = []
    for number, unit in enumerate(_LIMITS):
        if unit in section.node:
            values.append(_matching(section, unit))
        else:
            # What stands below a unit that was given is 0, what stands above is free.
            values.append(frozenset({0}) if number > first else None)
    return PatternTrigger(common=common, pattern=ClockPattern(*values))


def _matching(section: Section, unit: str) -> frozenset[int] | None:
    text = section.text(unit).strip()
    highest = _LIMITS[unit]
    if text == "*":
        return None
    number = text.removeprefix("/")
    if not number.isdecimal() or len(number) > 3 or int(number) > highest:
        section.fail(f"expected 0 to {highest}, a step such as /5, or *, got {text[:20]!r}", unit)
    if text.startswith("/"):
        step = int(number)
        if step == 0:
            section.fail("expected a step of at least 1, got /0", unit)
        return frozenset(range(0, highest + 1, step))
    return frozenset({int(number)})

"""Watching a template: it is rendered again whenever something it looked at changes."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from hub.automation.template.engine import Template
from hub.automation.template.tracking import Dependencies
from hub.bus import Bus
from hub.clock import Clock
from hub.errors import TemplateError
from hub.events import StateChanged

Changed = Callable[[Any, StateChanged | None], None]
_MINUTE = dt.timedelta(minutes=1)


class Watch:
    """One watched template.

    ``changed`` is called with the new result, or the :class:`~hub.errors.TemplateError`, and the
    event behind it (None for the clock), whenever the result differs from the last one. A late
    change is looked at too, because the template may depend on other things from then on, but what
    it makes of the result is compared with nothing and told to nobody.
    """

    def __init__(
        self,
        template: Template,
        variables: Mapping[str, Any],
        rooms: tuple[Bus, Clock],
        owner: str,
        changed: Changed,
    ) -> None:
        self._template = template
        self._variables = variables
        self._bus, self._clock = rooms
        self._owner = owner
        self._changed = changed
        self._dependencies = Dependencies()
        self._stops: dict[str | None, Callable[[], None]] = {}
        self._stop_minute: Callable[[], None] | None = None
        self._stop_pause: Callable[[], None] | None = None
        self._waiting: StateChanged | None = None
        self._rendered = 0.0
        self.result: Any = self._render()

    def stop(self) -> None:
        """End it."""
        for stop in (*self._stops.values(), self._stop_minute, self._stop_pause):
            if stop is not None:
                stop()
        self._stops.clear()
        self._stop_minute = self._stop_pause = None
        self._changed = _nobody

    def _render(self) -> Any:  # noqa: ANN401 - a template can mean anything
        self._rendered = self._clock.monotonic()
        dependencies = Dependencies()
        result: Any
        try:
            result = self._template.render(self._variables, track=dependencies)
        except TemplateError as err:
            dependencies.has_failed = True
            result = err
        self._dependencies = dependencies
        self._subscribe()
        return result

    def _subscribe(self) -> None:
        needed = self._dependencies
        is_broad = bool(
            needed.all_states
            or needed.all_states_lifecycle
            or needed.domains
            or needed.domains_lifecycle
        )
        keys: set[str | None] = {None} if is_broad else set(needed.entities)
        for key in set(self._stops) - keys:
            self._stops.pop(key)()
        for key in keys - set(self._stops):
            where = None if key is None else {"entity_id": key}
            self._stops[key] = self._bus.subscribe(
                StateChanged, self._state_changed, owner=self._owner, where=where
            )
        if needed.has_time and self._stop_minute is None:
            now = self._clock.now()
            next_minute = now.replace(second=0, microsecond=0) + _MINUTE
            self._stop_minute = self._clock.call_at(next_minute, self._minute)

    def _minute(self) -> None:
        self._stop_minute = None
        self._refresh(None)

    def _state_changed(self, event: StateChanged) -> None:
        is_lifecycle = event.old_state is None or event.new_state is None
        if not self._dependencies.concerns(event.entity_id, is_lifecycle=is_lifecycle):
            return
        limit = self._dependencies.rate_limit
        if limit is not None and event.entity_id not in self._dependencies.entities:
            left = self._rendered + limit.total_seconds() - self._clock.monotonic()
            if left > 0:
                if self._waiting is None or self._waiting.is_late:
                    self._waiting = event
                if self._stop_pause is None:
                    self._stop_pause = self._clock.call_later(left, self._pause_over)
                return
        self._refresh(event)

    def _pause_over(self) -> None:
        event, self._stop_pause, self._waiting = self._waiting, None, None
        self._refresh(event)

    def _refresh(self, event: StateChanged | None) -> None:
        result = self._render()
        if event is not None and event.is_late:
            return
        before, self.result = self.result, result
        if type(before) is type(result) and (
            before == result if not isinstance(result, TemplateError) else True
        ):
            return
        self._changed(result, event)


def _nobody(result: Any, event: StateChanged | None) -> None:  # noqa: ANN401
    pass

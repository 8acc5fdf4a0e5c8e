"""The render under way: what the functions a template calls need to know about it."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from hub.automation.template.limits import Budget
from hub.automation.template.tracking import Dependencies
from hub.clock import Clock
from hub.errors import TemplateError
from hub.states import States

Names = dict[str, Any]
Wrap = Callable[[str], Callable[[Callable[..., Any]], Callable[..., Any]]]


class Rendering:
    """One engine's current render. Renders don't overlap: they run on one thread and never wait."""

    __slots__ = ("budget", "clock", "dependencies", "is_limited", "states", "time_zone")

    def __init__(self, states: States, clock: Clock, time_zone: dt.tzinfo) -> None:
        self.states = states
        self.clock = clock
        self.time_zone = time_zone
        self.budget = Budget()
        self.dependencies: Dependencies | None = None
        self.is_limited = False

    def touch(self, entity_id: str) -> None:
        """Note that the render looked at *entity_id*."""
        if self.dependencies is not None:
            self.dependencies.entities.add(entity_id)

    def touch_time(self) -> None:
        """Note that the render looked at the clock."""
        if self.dependencies is not None:
            self.dependencies.has_time = True

    def refuse_limited(self, name: str) -> None:
        """Refuse what a limited template may not use.

        Raises:
            TemplateError: The render under way is limited.
        """
        if self.is_limited:
            raise TemplateError(f"Use of '{name}' is not supported in limited templates")

    def now(self) -> dt.datetime:
        """Return the local time."""
        self.touch_time()
        return self.clock.now().astimezone(self.time_zone)

    def unlimited(self, names: Mapping[str, Callable[..., Any]]) -> Names:
        """Make functions refuse to run in a limited template."""

        def guard(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
            def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any function
                if self.is_limited:
                    self.refuse_limited(name)
                return function(*args, **kwargs)

            return guarded

        return {name: guard(name, function) for name, function in names.items()}

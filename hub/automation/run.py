"""What everything that belongs to one run is given, and how a run is told to end."""

from collections.abc import Callable
from typing import Any

from attrs import define, frozen

from hub.actions import Actions
from hub.automation.scope import Scope
from hub.automation.template.engine import Templates
from hub.automation.trace import Entry, Trace
from hub.bus import Bus
from hub.clock import Clock
from hub.model import Context
from hub.states import States


@frozen(kw_only=True)
class Rooms:
    """The rooms of the hub that automations use."""

    bus: Bus
    states: States
    actions: Actions
    clock: Clock
    templates: Templates
    log: Callable[[str, str], None]
    """Called with the automation's name and a sentence about what went wrong."""


@define
class Run:
    """One run of an automation's actions, or the evaluation of its conditions."""

    rooms: Rooms
    name: str
    variables: Scope
    context: Context
    trace: Trace

    def enter(self, path: str) -> Entry:
        """Note in the trace that a step begins."""
        return self.trace.enter(path, self.rooms.clock.now_us())

    def branch(self, scope: Scope) -> "Run":
        """Return the same run with other variables."""
        return Run(self.rooms, self.name, scope, self.context, self.trace)

    def problem(self, text: str) -> None:
        """Log what went wrong without ending the run."""
        self.rooms.log(self.name, text)


class SequenceEnded(Exception):  # noqa: N818 - it is no error
    """A condition among the steps is false: this sequence ends, those around it go on."""


class RunEnded(Exception):  # noqa: N818 - it is no error
    """The whole run ends. ``execution`` is ``finished`` or ``aborted``."""

    def __init__(self, execution: str, response: Any = None) -> None:  # noqa: ANN401
        super().__init__(execution)
        self.execution = execution
        self.response = response

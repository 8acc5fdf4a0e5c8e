"""The friendly terminal of ``hub run --simulate``: what the hub stores and does, as it happens."""

import sys
from collections.abc import Callable

from hub.bus import Bus
from hub.cli.output import clean
from hub.cli.printer import Printer
from hub.clock import Clock
from hub.event import Event
from hub.events import (
    ActionCalled,
    AutomationTriggered,
    DeviceDiscovered,
    GatewayCameOnline,
    GatewayWentOffline,
    MessageQuarantined,
    ReadingReceived,
    ReadingsStored,
    StateChanged,
)
from hub.state import State
from hub.units import UNAVAILABLE, UNKNOWN

_OWNER = "terminal"
_LINES_PER_SECOND = 15
_LONGEST = 160
_COLOURS = {
    "reading": "\x1b[2m",
    "state": "\x1b[36m",
    "automation": "\x1b[1;33m",
    "action": "\x1b[33m",
    "gateway": "\x1b[32m",
    "device": "\x1b[32m",
    "problem": "\x1b[31m",
}
_RESET = "\x1b[0m"
# What people want to see even when much happens at once.
_URGENT = frozenset({"automation", "action", "gateway", "problem"})


class LiveView:
    """Writes a line for each thing that happens, not more of them than one can read."""

    def __init__(self, bus: Bus, clock: Clock, printer: Printer) -> None:
        self._clock = clock
        self._printer = printer
        self._is_coloured = sys.stdout.isatty()
        self._second = 0
        self._line_count = 0
        self._hidden_count = 0
        tell: dict[type[Event], Callable[..., None]] = {
            ReadingReceived: self._reading,
            ReadingsStored: self._backfill,
            StateChanged: self._state,
            AutomationTriggered: self._automation,
            ActionCalled: self._action,
            GatewayCameOnline: self._online,
            GatewayWentOffline: self._offline,
            DeviceDiscovered: self._device,
            MessageQuarantined: self._problem,
        }
        self._leaves = [
            bus.subscribe(event, handler, owner=_OWNER) for event, handler in tell.items()
        ]

    def close(self) -> None:
        """Stop listening."""
        for leave in self._leaves:
            leave()

    def say(self, text: str) -> None:
        """Write a line of a simulator."""
        self._put("simulator", text)

    def _reading(self, event: ReadingReceived) -> None:
        late = "" if event.live else " (late)"
        self._put("reading", f"{event.entity_id} = {event.value}{late}, on disk")

    def _backfill(self, event: ReadingsStored) -> None:
        self._put("reading", f"{event.entity_id}: {event.count} older readings, on disk")

    def _state(self, event: StateChanged) -> None:
        old, new = event.old_state, event.new_state
        if new is None:
            self._put("state", f"{event.entity_id} was removed")
        elif old is None:
            self._put("state", f"{event.entity_id} is {_shown(new)}")
        elif old.state != new.state:
            self._put("state", f"{event.entity_id}: {_shown(old)} -> {_shown(new)}")

    def _automation(self, event: AutomationTriggered) -> None:
        self._put("automation", f"{event.name}: {event.source}")

    def _action(self, event: ActionCalled) -> None:
        message = event.service_data.get("message")
        text = f"{event.domain}.{event.service}"
        self._put("action", f"{text}: {message}" if message else text)

    def _online(self, event: GatewayCameOnline) -> None:
        self._put("gateway", f"{event.name} is online")

    def _offline(self, event: GatewayWentOffline) -> None:
        self._put("gateway", f"{event.name} is offline")

    def _device(self, event: DeviceDiscovered) -> None:
        self._put("device", f"{event.name} was heard for the first time")

    def _problem(self, event: MessageQuarantined) -> None:
        self._put(
            "problem", f"message {event.quarantine_id} of {event.plugin} put aside: {event.reason}"
        )

    def _put(self, kind: str, text: str) -> None:
        now = self._clock.now()
        second = int(self._clock.monotonic())
        if second != self._second:
            if self._hidden_count:
                self._printer.put(f"{'':8} {'':10} and {self._hidden_count} more")
            self._second, self._line_count, self._hidden_count = second, 0, 0
        self._line_count += 1
        if self._line_count > _LINES_PER_SECOND and kind not in _URGENT:
            self._hidden_count += 1
            return
        line = f"{now.astimezone():%H:%M:%S} {kind:10} {clean(text)[:_LONGEST]}"
        if self._is_coloured and kind in _COLOURS:
            line = f"{_COLOURS[kind]}{line}{_RESET}"
        self._printer.put(line)


def _shown(state: State) -> str:
    unit = state.attributes.get("unit_of_measurement")
    has_unit = bool(unit) and state.state not in {UNAVAILABLE, UNKNOWN}
    return f"{state.state} {unit}" if has_unit else state.state

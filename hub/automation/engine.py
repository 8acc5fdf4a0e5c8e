"""The automation engine: everything the rest of the hub sees of automations."""

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from hub.actions import Actions
from hub.automation.automation import Automation
from hub.automation.loading import AutomationConfig, Loaded, load_automations
from hub.automation.run import Rooms
from hub.automation.services import AutomationActions
from hub.automation.stepping import EagerTasks
from hub.automation.template.engine import Templates
from hub.automation.trace import Trace
from hub.bus import Bus
from hub.clock import Clock, from_us
from hub.errors import ConfigError
from hub.events import AutomationsReloaded
from hub.ids import slug
from hub.model import Context
from hub.states import States
from hub.units import OFF, ON, UNAVAILABLE

log = logging.getLogger(__name__)

_NOTHING: Mapping[str, Any] = {}
_REMEMBERED = 500


@frozen(kw_only=True)
class AutomationStatus:
    """One automation as the API and the command line show it.

    ``state`` is on, off or unavailable; ``reason`` says why it is unavailable, or what went wrong
    last.
    """

    entity_id: str
    id: str | None
    alias: str
    state: str
    reason: str | None
    last_triggered: dt.datetime | None
    run_count: int
    traces: tuple[Trace, ...]


class Automations:
    """All automations. ``functions`` are further names for templates."""

    def __init__(
        self,
        *,
        bus: Bus,
        states: States,
        actions: Actions,
        clock: Clock,
        time_zone: dt.tzinfo = dt.UTC,
        functions: Mapping[str, Callable[..., Any]] = _NOTHING,
    ) -> None:
        self.templates = Templates(
            states=states, clock=clock, time_zone=time_zone, functions=functions
        )
        self._rooms = Rooms(
            bus=bus,
            states=states,
            actions=actions,
            clock=clock,
            templates=self.templates,
            log=self._problem,
        )
        self._tasks = EagerTasks("automation")
        self._automations: dict[str, Automation] = {}
        self._broken: dict[str, Loaded] = {}
        self._problems: dict[tuple[str, str], int] = {}
        self._is_started = False
        self._service = AutomationActions(self, actions)
        self._stop_actions = self._service.register()

    # -- loading -----------------------------------------------------------------------------------

    def check(self, nodes: object, source: str = "automations") -> list[ConfigError]:
        """Return what is wrong with *nodes*, without running anything."""
        loaded = load_automations(nodes, source, self.templates)
        return [item.error for item in loaded if item.error is not None]

    def load(self, nodes: object, source: str = "automations") -> list[ConfigError]:
        """Take these automations instead of those before; return what is wrong with them.

        Those that did not change go on undisturbed. A wrong one is unavailable.
        """
        former = {a.entity_id: a for a in self._automations.values()}
        kept: dict[str, Automation] = {}
        self._broken = {}
        fresh: list[Automation] = []
        errors: list[ConfigError] = []
        for item in load_automations(nodes, source, self.templates):
            entity_id = self._entity_id(item.name, kept)
            if item.config is None or item.error is not None:
                errors.extend([item.error] if item.error is not None else [])
                self._broken[entity_id] = item
                continue
            known = former.get(entity_id)
            if known is not None and known.config.raw == item.config.raw:
                kept[entity_id] = former.pop(entity_id)
            else:
                kept[entity_id] = self._make(item.config, entity_id)
                fresh.append(kept[entity_id])
        for automation in former.values():
            automation.close()
            automation.cancel()
            if automation.entity_id not in kept and automation.entity_id not in self._broken:
                self._rooms.states.remove(automation.entity_id)
        self._automations = kept
        for entity_id, item in self._broken.items():
            attributes = {"id": item.id, "friendly_name": item.name, "last_error": str(item.error)}
            self._rooms.states.set(entity_id, UNAVAILABLE, attributes)
            log.error("automation not loaded: %s", item.error)
        for automation in fresh:
            self._show_first(automation)
        return errors

    def reload(self, nodes: object, source: str = "automations") -> list[ConfigError]:
        """Load again while running, and tell the bus."""
        errors = self.load(nodes, source)
        now_us = self._rooms.clock.now_us()
        self._rooms.bus.publish(AutomationsReloaded(fired_us=now_us))
        return errors

    def reads_from(self, read: Callable[[], tuple[object, str]]) -> Callable[[], None]:
        """Offer the action ``automation.reload``; return what takes it away.

        *read* returns the automations' nodes and the name of their file, or raises a
        :class:`~hub.errors.HubError`.
        """
        return self._service.register_reload(lambda: self.reload(*read()))

    def _entity_id(self, name: str, kept: Mapping[str, Automation]) -> str:
        wanted = f"automation.{slug(name)}"
        entity_id, number = wanted, 2
        while entity_id in kept or entity_id in self._broken:
            entity_id, number = f"{wanted}_{number}", number + 1
        return entity_id

    def _make(self, config: AutomationConfig, entity_id: str) -> Automation:
        return Automation(config, entity_id, self._rooms, self._tasks)

    def _show_first(self, automation: Automation) -> None:
        """Turn a new automation on, unless it was off before or says so itself."""
        before = self._rooms.states.get(automation.entity_id)
        initial = automation.config.initial_state
        wants_on = initial if initial is not None else before is None or before.state != OFF
        if self._is_started and wants_on:
            automation.turn_on()
            return
        now_us = self._rooms.clock.now_us()
        self._rooms.states.write(
            automation.entity_id,
            ON if wants_on else OFF,
            automation.attributes(),
            (now_us, now_us),
            Context(),
        )

    # -- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Attach the triggers of all automations that are on; the hub has started."""
        self._is_started = True
        for automation in self._automations.values():
            state = self._rooms.states.get(automation.entity_id)
            if state is not None and state.state == ON:
                automation.turn_on(is_starting=True)

    async def stop(self) -> None:
        """Detach all triggers and end all runs; what was on will be on at the next start."""
        self._is_started = False
        for automation in self._automations.values():
            automation.close()
        self._stop_actions()
        await self._tasks.stop()

    # -- looking -----------------------------------------------------------------------------------

    def get(self, entity_id: str) -> Automation | None:
        """Return the automation of that entity, if it is loaded."""
        return self._automations.get(entity_id)

    def entity_ids(self) -> list[str]:
        """Return the entities of all automations that are loaded."""
        return list(self._automations)

    def all(self) -> list[AutomationStatus]:
        """Return every automation, also those that could not be loaded."""
        found = [
            AutomationStatus(
                entity_id=a.entity_id,
                id=a.config.id,
                alias=a.config.alias,
                state=ON if a.is_enabled else OFF,
                reason=a.last_error,
                last_triggered=None
                if a.last_triggered_us is None
                else from_us(a.last_triggered_us),
                run_count=a.run_count,
                traces=tuple(a.traces),
            )
            for a in self._automations.values()
        ]
        found += [
            AutomationStatus(
                entity_id=entity_id,
                id=item.id,
                alias=item.name,
                state=UNAVAILABLE,
                reason=str(item.error),
                last_triggered=None,
                run_count=0,
                traces=(),
            )
            for entity_id, item in self._broken.items()
        ]
        return found

    def _problem(self, name: str, text: str) -> None:
        """Log a problem once; an automation that fails a thousand times fills no log."""
        key = (name, text)
        if key not in self._problems:
            if len(self._problems) >= _REMEMBERED:
                del self._problems[next(iter(self._problems))]
            log.warning("automation problem name=%s: %s", name, text)
        self._problems[key] = self._problems.get(key, 0) + 1

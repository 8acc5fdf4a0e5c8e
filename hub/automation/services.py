"""The actions that work on automations: turn_on, turn_off, toggle, trigger, reload."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from hub.action import Action, ActionCall
from hub.actions import Actions
from hub.automation.automation import Automation
from hub.errors import ConfigError, InvalidActionData


class Engine(Protocol):
    """What these actions need of the engine."""

    def get(self, entity_id: str) -> Automation | None:
        """Return the automation of that entity."""
        ...

    def entity_ids(self) -> list[str]:
        """Return all entities."""
        ...


class AutomationActions:
    """Registers the actions."""

    def __init__(self, engine: Engine, actions: Actions) -> None:
        self._engine = engine
        self._actions = actions

    def register(self) -> Callable[[], None]:
        """Make them callable; return what takes them away."""
        described = [
            (self._turn_on, "turn_on", "Turn automations on."),
            (self._turn_off, "turn_off", "Turn automations off and stop what they do."),
            (self._toggle, "toggle", "Turn automations on or off."),
            (self._trigger, "trigger", "Run the actions of automations."),
        ]
        fields = {"entity_id": "the automations"}
        stops = [
            self._actions.register(Action(f"automation.{name}", handler, text, fields))
            for handler, name, text in described
        ]

        def remove() -> None:
            for stop in stops:
                stop()

        return remove

    def register_reload(self, reload: Callable[[], list[ConfigError]]) -> Callable[[], None]:
        """Make ``automation.reload`` callable; return what takes it away."""

        async def handle(call: ActionCall) -> None:
            reload()

        text = "Read the automations' files again."
        return self._actions.register(Action("automation.reload", handle, text))

    def _targets(self, call: ActionCall) -> list[Automation]:
        wanted = call.data.get("entity_id")
        if wanted == "all":
            ids = self._engine.entity_ids()
        elif isinstance(wanted, str):
            ids = [part.strip() for part in wanted.split(",")]
        elif isinstance(wanted, list | tuple):
            ids = [str(part) for part in wanted]
        else:
            msg = f"automation.{call.name}: entity_id: expected an automation, got {wanted!r:.60}"
            raise InvalidActionData(msg)
        found = [self._engine.get(entity_id) for entity_id in ids]
        return [automation for automation in found if automation is not None]

    async def _turn_on(self, call: ActionCall) -> None:
        for automation in self._targets(call):
            automation.turn_on()

    async def _turn_off(self, call: ActionCall) -> None:
        stops = call.data.get("stop_actions", True) is not False
        for automation in self._targets(call):
            automation.turn_off(stops_actions=stops, context=call.context)

    async def _toggle(self, call: ActionCall) -> None:
        for automation in self._targets(call):
            if automation.is_enabled:
                automation.turn_off(context=call.context)
            else:
                automation.turn_on()

    async def _trigger(self, call: ActionCall) -> None:
        variables = call.data.get("variables")
        if variables is not None and not isinstance(variables, Mapping):
            raise InvalidActionData("automation.trigger: variables: expected a mapping")
        given: Mapping[str, Any] = variables or {}
        skips = call.data.get("skip_condition", True) is not False
        for automation in self._targets(call):
            automation.trigger(
                {"platform": None}, call.context, variables=given, skips_conditions=skips
            )

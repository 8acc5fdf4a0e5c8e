"""Actions: what automations and clients can call, by ``domain.name``."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from hub.action import Action, ActionCall
from hub.bus import Bus
from hub.clock import Clock
from hub.errors import ActionNotFound, RegistryError
from hub.events import ActionCalled, ActionRegistered, ActionRemoved
from hub.model import Context

_NAME = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")


class Actions:
    """All actions that can be called now."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._actions: dict[str, Action] = {}

    def register(self, action: Action) -> Callable[[], None]:
        """Make *action* callable; return what takes it away again.

        Raises:
            RegistryError: The name is malformed, or somebody else has it.
        """
        name = action.name.lower()
        if not _NAME.fullmatch(name):
            raise RegistryError(f"action {action.name!r}: expected a name such as notify.mail")
        taken = self._actions.get(name)
        if taken is not None:
            raise RegistryError(f"action {name}: claimed by {action.owner}, held by {taken.owner}")
        self._actions[name] = action
        domain, _, service = name.partition(".")
        self._bus.publish(ActionRegistered(domain, service, fired_us=self._clock.now_us()))

        def remove() -> None:
            if self._actions.get(name) is action:
                del self._actions[name]
                self._bus.publish(ActionRemoved(domain, service, fired_us=self._clock.now_us()))

        return remove

    def get(self, name: str) -> Action | None:
        """Return the action of that name."""
        return self._actions.get(name.lower())

    def all(self) -> list[Action]:
        """Return every action, sorted by name."""
        return [self._actions[name] for name in sorted(self._actions)]

    async def call(
        self, name: str, data: Mapping[str, Any] | None = None, *, context: Context | None = None
    ) -> Mapping[str, Any] | None:
        """Run an action to its end and return its response.

        Raises:
            ActionNotFound: Nobody registered it.
            ActionError: It failed.
        """
        action = self._actions.get(name.lower())
        if action is None:
            raise ActionNotFound(name)
        domain, _, service = name.lower().partition(".")
        context = context or Context()
        data = data or {}
        if self._bus.wants(ActionCalled):
            now = self._clock.now_us()
            self._bus.publish(ActionCalled(domain, service, data, context=context, fired_us=now))
        return await action.handler(
            ActionCall(domain=domain, name=service, data=data, context=context)
        )

"""Actions as values: what can be called, and one call of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from attrs import field, frozen

from hub.errors import InvalidActionData
from hub.model import Context


@frozen(kw_only=True)
class ActionCall:
    """One call of an action: its name, its data, and who caused it."""

    domain: str
    name: str
    data: Mapping[str, Any]
    context: Context

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text from the data.

        Raises:
            InvalidActionData: It is missing and there is no default.
        """
        value = self.data.get(key, default)
        if value is None:
            raise InvalidActionData(f"{self.domain}.{self.name}: {key}: expected text, got nothing")
        return value if isinstance(value, str) else str(value)


ActionHandler = Callable[[ActionCall], Awaitable[Mapping[str, Any] | None]]


@frozen
class Action:
    """Something that can be called.

    ``name`` is ``domain.name``. ``fields`` describes the data for people: field -> sentence.
    ``response`` is ``none``, ``optional`` or ``only``, as in Home Assistant.
    """

    name: str
    handler: ActionHandler
    description: str = ""
    fields: Mapping[str, str] = field(factory=dict)
    response: str = "none"
    owner: str = "hub"

"""What every event has: a wire type, a context, the moment it happened.

``context`` and ``fired_us`` (microseconds since 1970) are given by name. Events are msgspec
structs: as frozen as an attrs class, and made in a fifth of the time.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct, field

from hub.clock import from_us
from hub.model import Context


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened. ``type`` is its name on the wire."""

    type: ClassVar[str] = ""

    context: Context = field(default_factory=Context)
    fired_us: int = 0

    @property
    def time_fired(self) -> dt.datetime:
        """When it happened, aware, in UTC."""
        return from_us(self.fired_us)

    @property
    def data(self) -> Mapping[str, Any]:
        """The event's own fields, as Home Assistant's ``event.data``."""
        return {n: getattr(self, n) for n in self.__struct_fields__ if n not in _COMMON}


_COMMON = frozenset({"context", "fired_us", "is_late"})


class CustomEvent(Event, frozen=True):
    """An event that only automations or clients know, under a name of their own."""

    name: str
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> Mapping[str, Any]:
        """What whoever fired it put in."""
        return self.payload


def type_of(event: Event) -> str:
    """Return an event's name on the wire."""
    return event.name if isinstance(event, CustomEvent) else event.type

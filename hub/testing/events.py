"""What happened on a hub's bus, in order."""

import asyncio
from collections import deque
from typing import TypeVar

from hub.bus import Bus
from hub.event import Event, type_of
from hub.events import ReadingReceived

E = TypeVar("E", bound=Event)
_MOST = 100_000


class Recorder:
    """Records every event but ``state_reported``, the newest hundred thousand."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=_MOST)
        self._news = asyncio.Event()

    def attach(self, bus: Bus) -> None:
        """Begin to record."""
        bus.subscribe("*", self._note, owner="hub.testing")

    @property
    def all(self) -> list[Event]:
        """Everything that was recorded."""
        return list(self._events)

    @property
    def readings(self) -> list[ReadingReceived]:
        """The live readings."""
        return self.of(ReadingReceived)

    def of(self, kind: type[E] | str) -> list[E]:
        """Return the events of a class or of a wire type."""
        return [e for e in self._events if _is(e, kind)]  # type: ignore[misc]

    def clear(self) -> None:
        """Forget what was recorded."""
        self._events.clear()

    async def wait_for(self, kind: type[E] | str, *, count: int = 1, seconds: float = 10.0) -> E:
        """Wait until there are *count* such events and return the last of them.

        Raises:
            TimeoutError: They did not come within *seconds* of real time.
        """
        async with asyncio.timeout(seconds):
            while len(found := self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]

    def _note(self, event: Event) -> None:
        self._events.append(event)
        self._news.set()


def _is(event: Event, kind: type[Event] | str) -> bool:
    return type_of(event) == kind if isinstance(kind, str) else isinstance(event, kind)

"""Publish and subscribe: one handler's failure is its own.

Handlers are plain functions, called at once on the loop, in the order in which they subscribed.
What a handler publishes waits until the event under way has reached everybody, so all subscribers
see all events in one order. A subscription may ask for certain values of an event's fields; those
are looked up in an index, so an event costs the same however many others are waiting for something
else.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

from hub.event import CustomEvent, Event
from hub.events import StateReported

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)
Handler = Callable[[Any], None]
Unsubscribe = Callable[[], None]

MATCH_ALL = "*"
# A handler that answers each event with another must not hold the loop for ever, and one that
# answers with two must not fill the memory.
_LONGEST_RUN = 1000
MAX_WAITING = 100_000
# A plain call can't be cancelled by whoever waits for the publisher, so a CancelledError is the
# handler's own, and so is its wish to end the program.
_ITS_OWN = (Exception, asyncio.CancelledError, SystemExit)


class _Handlers:
    """Handlers in the order in which they subscribed, beside who owns them.

    Both tuples are replaced, never edited: a handler may leave while an event is handed round.
    """

    __slots__ = ("calls", "owners", "tickets")

    def __init__(self) -> None:
        self.calls: tuple[Handler, ...] = ()
        self.owners: tuple[str, ...] = ()
        self.tickets: tuple[object, ...] = ()

    def add(self, handler: Handler, owner: str) -> object:
        ticket = object()
        self.calls = (*self.calls, handler)
        self.owners = (*self.owners, owner)
        self.tickets = (*self.tickets, ticket)
        return ticket

    def remove(self, ticket: object) -> None:
        if ticket in self.tickets:
            at = self.tickets.index(ticket)
            self.calls = self.calls[:at] + self.calls[at + 1 :]
            self.owners = self.owners[:at] + self.owners[at + 1 :]
            self.tickets = self.tickets[:at] + self.tickets[at + 1 :]

    def owner_of(self, handler: Handler) -> str:
        for call, owner in zip(self.calls, self.owners, strict=True):
            if call is handler:
                return owner
        return "unsubscribed"


class _Index:
    """Handlers by the values of one combination of fields."""

    __slots__ = ("by_values", "names", "single")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.single = names[0] if len(names) == 1 else None
        self.by_values: dict[Hashable, _Handlers] = {}

    def find(self, event: Event) -> _Handlers | None:
        try:
            if event.__class__ is CustomEvent:
                data = event.data
                return self.by_values.get(tuple([_kind(data[name]) for name in self.names]))
            if self.single is None:
                names = self.names
                return self.by_values.get(tuple([_kind(getattr(event, n, None)) for n in names]))
            return self.by_values.get(_kind(getattr(event, self.single, None)))
        except (KeyError, TypeError):  # the field is not there, or holds a list or a mapping
            return None


class _Topic:
    """All subscriptions to one event type."""

    __slots__ = ("everybody", "indexes")

    def __init__(self) -> None:
        self.everybody = _Handlers()
        self.indexes: tuple[_Index, ...] = ()


def _kind(value: object) -> Hashable:
    """Keep 1, True and "1" apart, which hash alike or compare equal in Python."""
    return value if isinstance(value, str) else (value.__class__ is bool, value)


def _name(event: type[Event] | str) -> str:
    """Return the wire type, by which topics are filed."""
    return event if isinstance(event, str) else event.type


class Bus:
    """Carries events from whoever publishes to whoever subscribed."""

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}
        self._all = _Handlers()
        self._waiting: deque[Event] = deque()
        self._is_publishing = False
        self.published_count = 0
        self.failed_count = 0
        self.dropped_count = 0

    def subscribe(
        self,
        event: type[E] | str,
        handler: Callable[[E], None],
        *,
        owner: str,
        where: Mapping[str, Hashable] | None = None,
    ) -> Unsubscribe:
        """Call *handler* for each *event*, a class or a wire type; return what ends it.

        ``"*"`` means every event but ``state_reported``. *where* maps fields to the values they
        must have; for events known by name alone the fields are those of their data.

        Raises:
            TypeError: A value in *where* can't be looked up, such as a list, or *event* is a class
                without a wire type, such as ``CustomEvent``: subscribe to its name.
        """
        if event == MATCH_ALL:
            everything = self._all
            ticket = everything.add(handler, owner)
            return lambda: everything.remove(ticket)
        key = _name(event)
        if not key:
            raise TypeError(f"{event}: expected an event with a wire type, or a name")
        topic = self._topics.get(key) or _Topic()
        if where:
            leave = self._join_index(topic, handler, owner, where)
        else:
            ticket = topic.everybody.add(handler, owner)

            def leave() -> None:
                topic.everybody.remove(ticket)

        self._topics[key] = topic

        def unsubscribe() -> None:
            leave()
            if not topic.everybody.calls and not topic.indexes and self._topics.get(key) is topic:
                del self._topics[key]

        return unsubscribe

    def wants(self, event: type[Event] | str) -> bool:
        """Tell whether anybody would get such an event; if not, it need not be made."""
        if _name(event) in self._topics:
            return True
        return bool(self._all.calls) and event is not StateReported

    def publish(self, event: Event) -> None:
        """Hand *event* to all who asked for it, after those that were published before."""
        if self._is_publishing:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append(event)
            else:
                self._drop(event)
            return
        self._is_publishing = True
        self._deliver(event)
        if self._waiting:
            self._drain()
        else:
            self._is_publishing = False

    def _deliver(self, event: Event) -> None:
        self.published_count += 1
        cls = event.__class__
        topic = self._topics.get(event.name if cls is CustomEvent else cls.type)  # type: ignore[attr-defined]
        if topic is not None:
            for call in topic.everybody.calls:
                try:
                    call(event)
                except _ITS_OWN:  # isolation: the others still get the event
                    self._report(topic.everybody, call, event)
            for index in topic.indexes:
                found = index.find(event)
                if found is not None:
                    self._call_each(found, event)
        # Home Assistant keeps state_reported from those who listen to everything.
        if self._all.calls and cls is not StateReported:
            self._call_each(self._all, event)

    def _call_each(self, handlers: _Handlers, event: Event) -> None:
        for call in handlers.calls:
            try:
                call(event)
            except _ITS_OWN:  # isolation: the others still get the event
                self._report(handlers, call, event)

    def _drain(self) -> None:
        waiting = self._waiting
        for _ in range(_LONGEST_RUN):
            if not waiting:
                self._is_publishing = False
                return
            self._deliver(waiting.popleft())
        asyncio.get_running_loop().call_soon(self._drain)

    def _drop(self, event: Event) -> None:
        self.dropped_count += 1
        if self.dropped_count % MAX_WAITING == 1:
            log.error(
                "too many events wait for those before them, the newest are dropped event=%s",
                type(event).__name__,
            )

    def _report(self, handlers: _Handlers, call: Handler, event: Event) -> None:
        self.failed_count += 1
        log.error(
            "subscriber failed owner=%s event=%s",
            handlers.owner_of(call),
            type(event).__name__,
            exc_info=True,  # noqa: LOG014 - called while the exception is handled
        )

    @staticmethod
    def _join_index(
        topic: _Topic, handler: Handler, owner: str, where: Mapping[str, Hashable]
    ) -> Unsubscribe:
        names = tuple(sorted(where))
        index = next((i for i in topic.indexes if i.names == names), None) or _Index(names)
        kinds = tuple(_kind(where[name]) for name in names)
        # Custom events look up a tuple; typed ones with one field the bare value.
        places = {kinds, kinds[0]} if len(kinds) == 1 else {kinds}
        handlers = index.by_values.get(kinds) or _Handlers()
        ticket = handlers.add(handler, owner)
        for place in places:
            index.by_values[place] = handlers
        if index not in topic.indexes:
            topic.indexes = (*topic.indexes, index)

        def leave() -> None:
            handlers.remove(ticket)
            if not handlers.calls and index.by_values.get(kinds) is handlers:
                for place in places:
                    del index.by_values[place]
            if not index.by_values:
                topic.indexes = tuple(i for i in topic.indexes if i is not index)

        return leave

"""The hub as one plugin sees it."""

import logging
from collections.abc import Callable, Coroutine, Hashable, Mapping
from typing import Any, TypeVar

from attrs import evolve, frozen

from hub.actions import Actions
from hub.app.hearing import tell_result
from hub.app.notices import Notices
from hub.bus import Bus
from hub.clock import Clock
from hub.event import Event
from hub.ingest import Ingest
from hub.loader import Plugin
from hub.model import Batch, Context, DeviceInfo, DeviceKey, GatewayKey, IngestResult, Notice
from hub.registry.registry import Registry
from hub.tasks import Tasks

E = TypeVar("E", bound=Event)
_MOST_COUNTERS = 100


@frozen(kw_only=True)
class Rooms:
    """The rooms of the hub that a plugin's context leads to."""

    clock: Clock
    bus: Bus
    actions: Actions
    registry: Registry
    ingest: Ingest
    notices: Notices


class HubContext:
    """One plugin's context; what is started through it stops with it."""

    def __init__(self, plugin: Plugin, rooms: Rooms, config: Any) -> None:  # noqa: ANN401 - each plugin's own
        self.name = plugin.name
        self.clock = rooms.clock
        self.config = config
        self.log = logging.getLogger(f"hub.plugins.{plugin.name}")
        self._plugin = plugin
        self._rooms = rooms
        self._tasks = Tasks(plugin.name)
        self._leaves: set[Callable[[], None]] = set()

    async def ingest(self, batch: Batch) -> IngestResult:
        """Store a batch; when this returns, it is on disk."""
        result = await self._rooms.ingest.ingest(batch)
        self._plugin.message_count += 1
        self._plugin.last_message_us = self.clock.now_us()
        tell_result(result)
        return result

    def accepts(self, device: DeviceInfo) -> bool:
        """Tell whether a device's readings are wanted; remember one that is unknown."""
        entry = self._rooms.registry.devices.get(device.key)
        if entry is not None:
            return entry.record.disabled_by is None
        if getattr(self.config, "auto_accept", True):
            return True
        self._rooms.ingest.discover(device)
        return False

    def device_name(self, key: DeviceKey) -> str | None:
        """Return the name a device has in the registry, or None if it is unknown."""
        entry = self._rooms.registry.devices.get(key)
        return entry.record.shown_name if entry is not None else None

    def is_online(self, key: GatewayKey) -> bool:
        """Tell whether a gateway has been heard lately."""
        return self._rooms.ingest.presence.is_online(key)

    def subscribe(
        self,
        event: type[E] | str,
        handler: Callable[[E], None],
        *,
        where: Mapping[str, Hashable] | None = None,
    ) -> Callable[[], None]:
        """Call *handler* for each such event; return what ends it."""
        leave = self._rooms.bus.subscribe(event, handler, owner=self.name, where=where)
        self._leaves.add(leave)

        def unsubscribe() -> None:
            self._leaves.discard(leave)
            leave()

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Publish an event of the plugin's own."""
        self._rooms.bus.publish(event)

    async def call(
        self, action: str, data: Mapping[str, Any] | None = None, *, context: Context | None = None
    ) -> Mapping[str, Any] | None:
        """Call an action and wait for its end."""
        return await self._rooms.actions.call(action, data, context=context)

    def spawn(self, coro: Coroutine[Any, Any, Any], *, name: str) -> None:
        """Run *coro* in the background until it ends or the plugin stops."""
        self._tasks.spawn(coro, name=name)

    def count(self, counter: str, by: int = 1) -> None:
        """Add to one of the plugin's counters."""
        counters = self._plugin.counters
        if counter in counters or len(counters) < _MOST_COUNTERS:
            counters[counter] = counters.get(counter, 0) + by

    def notice(self, notice: Notice) -> None:
        """Show the user a problem, or update it."""
        self._rooms.notices.put(evolve(notice, key=f"{self.name}.{notice.key}"))

    def clear_notice(self, key: str) -> None:
        """Take back a problem that is gone."""
        self._rooms.notices.clear(f"{self.name}.{key}")

    @property
    def task_count(self) -> int:
        """How many background tasks run."""
        return len(self._tasks)

    @property
    def subscription_count(self) -> int:
        """How many subscriptions are open."""
        return len(self._leaves)

    async def close(self) -> None:
        """Stop what was started through this context."""
        for leave in list(self._leaves):
            leave()
        self._leaves.clear()
        await self._tasks.stop()

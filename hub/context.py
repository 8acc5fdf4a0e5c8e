"""What a plugin is given: its whole view of the hub."""

import logging
from collections.abc import Callable, Coroutine, Hashable, Mapping
from typing import Any, Protocol, TypeVar

from hub.clock import Clock
from hub.event import Event
from hub.model import Batch, Context, DeviceInfo, DeviceKey, GatewayKey, IngestResult, Notice

E = TypeVar("E", bound=Event)


class PluginContext(Protocol):
    """The hub as one plugin sees it; everything that is started through it stops with it."""

    name: str
    """The plugin's name: the entry point's."""
    clock: Clock
    config: Any
    """The plugin's section of ``hub.yaml``, parsed into the class of ``register_config``."""
    log: logging.Logger

    async def ingest(self, batch: Batch) -> IngestResult:
        """Store a batch; when this returns, it is on disk.

        Raises:
            StorageBusy: The writer is behind or stalled: tell the gateway to come back.
            StorageError: It could not be stored, and nothing of it was.
        """
        ...

    def accepts(self, device: DeviceInfo) -> bool:
        """Tell whether a device's readings are wanted.

        A disabled device's are not. An unknown device is accepted, unless the plugin's
        ``auto_accept`` is off: then it is remembered as discovered, for the user to enable.
        """
        ...

    def device_name(self, key: DeviceKey) -> str | None:
        """Return the name a device has in the registry, or None if it is unknown."""
        ...

    def is_online(self, key: GatewayKey) -> bool:
        """Tell whether a gateway has been heard lately."""
        ...

    def subscribe(
        self,
        event: type[E] | str,
        handler: Callable[[E], None],
        *,
        where: Mapping[str, Hashable] | None = None,
    ) -> Callable[[], None]:
        """Call *handler* for each such event; return what ends it."""
        ...

    def publish(self, event: Event) -> None:
        """Publish an event of the plugin's own."""
        ...

    async def call(
        self, action: str, data: Mapping[str, Any] | None = None, *, context: Context | None = None
    ) -> Mapping[str, Any] | None:
        """Call an action and wait for its end."""
        ...

    def spawn(self, coro: Coroutine[Any, Any, Any], *, name: str) -> None:
        """Run *coro* in the background until it ends or the plugin stops."""
        ...

    def count(self, counter: str, by: int = 1) -> None:
        """Add to one of the plugin's counters, shown by ``hub plugins`` and in the metrics."""
        ...

    def notice(self, notice: Notice) -> None:
        """Show the user a problem, or update it."""
        ...

    def clear_notice(self, key: str) -> None:
        """Take back a problem that is gone."""
        ...

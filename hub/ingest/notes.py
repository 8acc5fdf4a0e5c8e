"""What the hub notes itself: devices that wait for the user, silence, gateways on and off.

Nobody waits for these batches, and one that can't be stored is tried again later.
"""

import asyncio
import logging
from collections.abc import Callable

from hub.clock import Clock
from hub.errors import StorageError
from hub.ingest.apply import Applier
from hub.ingest.connectivity import CONNECTIVITY, INFO, device_of
from hub.ingest.prepare import Preparer
from hub.ingest.prepared import Prepared
from hub.ingest.presence import Presence
from hub.model import Batch, Context, DeviceInfo, DeviceKey, GatewayKey, Reading
from hub.registry.entries import DeviceEntry
from hub.registry.registry import Registry
from hub.storage.writer import Writer
from hub.storage.writes import WriteResult

log = logging.getLogger(__name__)


class Notes:
    """Hands the hub's own batches to the writer."""

    def __init__(
        self, registry: Registry, clock: Clock, writer: Writer, preparer: Preparer, applier: Applier
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._writer = writer
        self._preparer = preparer
        self._applier = applier

    def follow(self, presence: Presence) -> None:
        """Note who comes and who goes."""

        def gone(entry: DeviceEntry, _context: Context) -> None:
            self._gone(entry, presence)

        def switched(key: GatewayKey, is_on: bool, _context: Context) -> None:
            self._switched(key, presence, is_on=is_on)

        presence.gone = gone
        presence.switched = switched

    def discover(self, info: DeviceInfo) -> None:
        """Remember an unknown device that is not accepted; none of its readings are kept."""
        prepared = self._preparer.start(Batch(received=self._clock.now()))
        self._preparer.discover(prepared, info)
        self._submit(prepared, lambda: None)

    def _gone(self, entry: DeviceEntry, presence: Presence) -> None:
        """Make a stale device's entities unavailable, with a gap in history."""
        prepared = self._preparer.start(Batch(received=self._clock.now()))
        self._preparer.add_gaps(prepared, entry)
        self._submit(prepared, lambda: presence.look_again(entry))

    def _switched(self, key: GatewayKey, presence: Presence, *, is_on: bool) -> None:
        """Let a gateway's connectivity follow; what an absent one told of itself is unavailable."""
        gateway = self._registry.gateways[key]
        if gateway.is_group:
            return
        entry = self._registry.devices.get(DeviceKey(*key))
        now = self._clock.now()
        prepared = self._preparer.start(
            Batch(received=now, devices=() if entry is not None else (device_of(gateway),))
        )
        going = entry if entry is not None and entry.is_available and not is_on else None
        if going is not None:
            going.is_available = False
            self._preparer.add_gaps(prepared, going)
        reading = Reading(DeviceKey(*key), CONNECTIVITY, is_on, now, INFO)
        self._preparer.add_own(prepared, reading)

        def failed() -> None:
            if going is not None:
                going.is_available = True
            presence.switch_again(key)

        self._submit(prepared, failed)

    def _submit(self, prepared: Prepared, failed: Callable[[], None]) -> None:
        """Store what nobody waits for; *failed* is called if it can't be stored."""
        prepared.is_own = True
        if not prepared.write.row_count:
            if prepared.newest:
                self._applier.enqueue(prepared.write.take())
            return

        def fail(error: BaseException) -> None:
            log.warning("what the hub noted itself could not be stored error=%s", error)
            self._preparer.undo(prepared)
            failed()

        def look(done: "asyncio.Future[WriteResult]") -> None:
            if not done.cancelled() and (error := done.exception()) is not None:
                fail(error)

        try:
            self._writer.submit(prepared.write, is_urgent=False).add_done_callback(look)
        except StorageError as err:
            fail(err)

"""Who is there: gateways online or offline, devices heard lately or stale.

Deadlines are judged by our own clock. A message only moves a deadline; the queue of deadlines is
looked at once a second, and an entry that turns out to have moved goes back into it. So a message
costs two assignments, and a silent gateway is noticed within a second of its time.
"""

import datetime as dt
import heapq
from collections import deque
from collections.abc import Callable

from attrs import define, field

from hub.bus import Bus
from hub.clock import MICROSECOND, Clock
from hub.events import GatewayCameOnline, GatewayWentOffline
from hub.ingest.connectivity import connectivity_of
from hub.ingest.prepare import LIVE_INTERVALS, SECOND_US
from hub.ingest.prepared import Prepared
from hub.model import Context, DeviceKey, GatewayKey
from hub.registry.entries import NEVER, DeviceEntry
from hub.registry.registry import Registry

# Without a word from the gateway about its next message: three times its usual gap, and at least
# this long, because a gateway that just said hello has no usual gap yet.
SHORTEST_OFFLINE_US = 15 * 60 * SECOND_US
_GAPS_KEPT = 8
RETRY_US = 30 * SECOND_US
_MOST_AT_ONCE = 100
_NO_SIGNAL = -999.0
# A device changes over to a gateway that hears it clearly better, or when its own has been deaf to
# it for this long.
_CLEARLY_BETTER_DB = 10.0
HYSTERESIS_US = 10 * 60 * SECOND_US


@define(slots=True)
class GatewayStatus:
    """How a gateway is doing, in memory only. Times are microseconds since 1970."""

    key: GatewayKey
    is_online: bool = False
    last_seen_us: int = NEVER
    deadline_us: int = 0
    queued_us: int = 0
    promised_us: int = 0
    gaps: deque[int] = field(factory=lambda: deque(maxlen=_GAPS_KEPT))

    @property
    def patience_us(self) -> int:
        """How long it may be silent: what it said itself, else three times its usual gap."""
        if self.promised_us:
            return self.promised_us
        usual = sorted(self.gaps)[len(self.gaps) // 2] if self.gaps else 0
        return max(SHORTEST_OFFLINE_US, LIVE_INTERVALS * usual)


@define(slots=True)
class _Again:
    """A gateway whose coming or going could not be stored."""

    key: GatewayKey
    deadline_us: int
    queued_us: int = 0


_Waiting = GatewayStatus | DeviceEntry | _Again


class Presence:
    """Follows gateways and devices and says who went and who came back."""

    def __init__(self, registry: Registry, bus: Bus, clock: Clock) -> None:
        self._registry = registry
        self._bus = bus
        self._clock = clock
        self._queue: list[tuple[int, int, _Waiting]] = []
        self._number = 0
        self.gateways: dict[GatewayKey, GatewayStatus] = {}
        self.gone: Callable[[DeviceEntry, Context], None] = lambda _entry, _context: None
        """Called when a device went stale: its entities become unavailable."""
        self.switched: Callable[[GatewayKey, bool, Context], None] = lambda _key, _on, _context: (
            None
        )
        """Called when a gateway came online or went offline."""

    def restore(self) -> None:
        """Give everybody who was there before the start their time: the hub was deaf meanwhile.

        A gateway that was known to be offline is not announced once more.
        """
        now = self._clock.now_us()
        for entry in self._registry.devices.values():
            if entry.interval_us and entry.series and not entry.record.disabled_by:
                entry.deadline_us = now + LIVE_INTERVALS * entry.interval_us
                self._wait(entry)
        for gateway in self._registry.gateways.values():
            status = GatewayStatus(key=gateway.key, promised_us=gateway.offline_after_us)
            self.gateways[gateway.key] = status
            if connectivity_of(self._registry, gateway.key) is not False:
                status.deadline_us = now + status.patience_us
                self._wait(status)

    def is_online(self, key: GatewayKey) -> bool:
        """Tell whether a gateway has been heard lately."""
        status = self.gateways.get(key)
        return status is not None and status.is_online

    def heard(self, prepared: Prepared, context: Context) -> None:
        """Note who a committed batch came from."""
        now = prepared.received_us
        for info in prepared.batch.gateways:
            status = self.gateways.get(info.key)
            if status is None:
                status = self.gateways[info.key] = GatewayStatus(key=info.key)
            self._gateway_heard(status, now, info.offline_after, context)
        for device, entry in zip(prepared.batch.devices, prepared.devices, strict=False):
            entry.last_seen_us = now
            entry.is_available = True
            if entry.interval_us:
                entry.deadline_us = now + LIVE_INTERVALS * entry.interval_us
                self._wait(entry)
            if device.gateway is not None:
                _note_signal(entry, device.gateway, device.signal, now)

    def look(self) -> bool:
        """Find out who has fallen silent; called once a second.

        Many fall silent at once when a large gateway does: tells whether some are left to look at.
        """
        now = self._clock.now_us()
        queue = self._queue
        for _ in range(_MOST_AT_ONCE):
            if not queue or queue[0][0] > now:
                return False
            when, _number, thing = heapq.heappop(queue)
            if when != thing.queued_us:
                continue  # a later entry has taken its place
            thing.queued_us = 0
            if thing.deadline_us > now:
                self._wait(thing)
            else:
                self._due(thing)
        return bool(queue) and queue[0][0] <= now

    def _due(self, thing: _Waiting) -> None:
        if isinstance(thing, GatewayStatus):
            self._offline(thing)
        elif isinstance(thing, _Again):
            self.switched(thing.key, self.is_online(thing.key), Context())
        elif thing.is_available:  # or its gateway has taken it along
            thing.is_available = False
            self.gone(thing, Context())

    def look_again(self, entry: DeviceEntry) -> None:
        """Take a device for present after all, until the next look: its end could not be stored."""
        entry.is_available = True
        entry.deadline_us = self._clock.now_us() + RETRY_US
        self._wait(entry)

    def switch_again(self, key: GatewayKey) -> None:
        """Call ``switched`` once more in a while: what came of it could not be stored."""
        self._wait(_Again(key, self._clock.now_us() + RETRY_US))

    def _gateway_heard(
        self, status: GatewayStatus, now: int, offline_after: dt.timedelta | None, context: Context
    ) -> None:
        if status.last_seen_us != NEVER:
            status.gaps.append(now - status.last_seen_us)
        if offline_after is not None:
            status.promised_us = offline_after // MICROSECOND
        status.last_seen_us = now
        status.deadline_us = now + status.patience_us
        self._wait(status)
        if not status.is_online:
            status.is_online = True
            gateway = self._registry.gateways[status.key]
            self.switched(status.key, True, context)
            self._bus.publish(
                GatewayCameOnline(
                    status.key.plugin,
                    status.key.uid,
                    gateway.name,
                    context=context,
                    fired_us=now,
                )
            )

    def _offline(self, status: GatewayStatus) -> None:
        status.is_online = False
        seen_us = status.last_seen_us
        if seen_us == NEVER:  # since the start
            entry = self._registry.devices.get(DeviceKey(*status.key))
            seen_us = max(0, entry.last_seen_us) if entry is not None else 0
        context = Context()
        gateway = self._registry.gateways[status.key]
        self.switched(status.key, False, context)
        self._bus.publish(
            GatewayWentOffline(
                status.key.plugin,
                status.key.uid,
                gateway.name,
                seen_us,
                context=context,
                fired_us=self._clock.now_us(),
            )
        )

    def _wait(self, thing: _Waiting) -> None:
        """Put *thing* into the queue, unless it stands there for an earlier moment already."""
        if thing.queued_us and thing.queued_us <= thing.deadline_us:
            return
        thing.queued_us = thing.deadline_us
        self._number += 1
        heapq.heappush(self._queue, (thing.deadline_us, self._number, thing))


def _note_signal(entry: DeviceEntry, gateway: GatewayKey, signal: float | None, now: int) -> None:
    """Let a device change over to the gateway that has heard it best lately."""
    if gateway == entry.heard_by:
        entry.best_signal = signal
        entry.heard_us = now
        return
    is_old = now - entry.heard_us > HYSTERESIS_US
    if is_old or _level(signal) > _level(entry.best_signal) + _CLEARLY_BETTER_DB:
        entry.heard_by = gateway
        entry.best_signal = signal
        entry.heard_us = now


def _level(signal: float | None) -> float:
    return _NO_SIGNAL if signal is None else signal

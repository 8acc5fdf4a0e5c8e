"""From what a gateway says about itself to what the hub stores; nothing touches the world here."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from hub import (
    UTC,
    Batch,
    DeviceInfo,
    DeviceKey,
    EntityInfo,
    Event,
    GatewayInfo,
    GatewayKey,
    GatewayRestarted,
    HeartbeatReceived,
    Quarantined,
    Reading,
    Value,
    units,
)
from hub_efento.catalogue import MANUFACTURER, PLUGIN, connections
from hub_efento.normalise import LIVES, LONGEST_SILENCE
from hub_efento.report import Heartbeat

LARGEST_OFFSET = dt.timedelta(minutes=2)
"""How far a gateway's clock may be off before its user hears of it."""

_FIRST_GATEWAYS = dt.datetime(2015, 1, 1, tzinfo=UTC)
_SHORTEST_PAUSE = dt.timedelta(seconds=20)


def _diagnostic(name: str, unit: str | None, cls: str | None) -> EntityInfo:
    return EntityInfo(
        name=name,
        unit=unit,
        device_class=cls,
        state_class=units.MEASUREMENT,
        category="diagnostic",
        precision=0,
        record="sample",
    )


_UPTIME = _diagnostic("Uptime", units.SECOND, "duration")
_IN_RANGE = _diagnostic("Loggers in range", None, None)
_CAPACITY = _diagnostic("Logger capacity", None, None)
_MAINS = EntityInfo(domain="binary_sensor", name="Mains power", device_class="plug")
_CHARGING = EntityInfo(
    domain="binary_sensor",
    name="Charging",
    device_class="battery_charging",
    category="diagnostic",
)
_LEVEL = EntityInfo(
    name="Battery",
    unit=units.PERCENT,
    device_class="battery",
    state_class=units.MEASUREMENT,
    category="diagnostic",
    precision=0,
)


def group(name: str | None) -> GatewayInfo:
    """Describe all gateways that share a token, for messages that do not say which one it was.

    None stands for those that were let in without a token.
    """
    return GatewayInfo(
        key=GatewayKey(PLUGIN, "open" if name is None else f"token:{name}"),
        name=f"{MANUFACTURER} {name or 'gateways'}",
        manufacturer=MANUFACTURER,
        is_group=True,
    )


def gateway(beat: Heartbeat) -> GatewayInfo:
    """Describe a gateway by its heartbeat."""
    announced = _announced(beat)
    return GatewayInfo(
        key=GatewayKey(PLUGIN, beat.mac),
        name=beat.name or f"{MANUFACTURER} gateway {beat.mac}",
        manufacturer=MANUFACTURER,
        model=beat.model,
        sw_version=beat.sw_version,
        connections=connections(beat.mac),
        offline_after=None if announced is None else LIVES * announced,
    )


def heartbeat(
    beat: Heartbeat, received: dt.datetime, quarantined: list[Quarantined], *, is_restarted: bool
) -> Batch:
    """Return what a heartbeat brings: the gateway, its own entities, and events."""
    info = gateway(beat)
    offset = clock_offset(beat, received)
    # A heartbeat is about now. A gateway whose clock is off says so in its status, but its lost
    # mains power must not count as history.
    is_right = offset is not None and abs(offset) <= LARGEST_OFFSET
    at = beat.at if is_right and beat.at is not None else received
    key = DeviceKey(PLUGIN, beat.mac)
    events: list[Event] = [HeartbeatReceived(PLUGIN, beat.mac, _status(beat, offset))]
    if is_restarted:
        events.append(GatewayRestarted(PLUGIN, beat.mac, info.name or beat.mac))
    return Batch(
        received=received,
        readings=[Reading(key, name, value, at, about) for name, value, about in _facts(beat)],
        devices=[
            DeviceInfo(
                key=key,
                name=info.name,
                manufacturer=MANUFACTURER,
                model=beat.model,
                sw_version=beat.sw_version,
                connections=info.connections,
                interval=_announced(beat),
            )
        ],
        gateways=(info,),
        quarantined=quarantined,
        events=events,
    )


def clock_offset(beat: Heartbeat, received: dt.datetime) -> dt.timedelta | None:
    """Return how far a gateway's clock is behind ours."""
    return None if beat.at is None else received - beat.at


def is_older(beat: Heartbeat, than: Heartbeat) -> bool:
    """Tell whether a heartbeat is one from before, that the gateway had to send again.

    A gateway that has just started may not know the time yet: that is not older.
    """
    if beat.at is None or than.at is None or beat.at < _FIRST_GATEWAYS:
        return False
    return beat.at < than.at


def is_restarted(before: Heartbeat, beat: Heartbeat) -> bool:
    """Tell whether a gateway has started since its last heartbeat."""
    if before.uptime is None or beat.uptime is None or is_older(beat, before):
        return False
    return beat.uptime < before.uptime


def _announced(beat: Heartbeat) -> dt.timedelta | None:
    if beat.at is None or beat.next_at is None or beat.next_at <= beat.at:
        return None
    return min(max(beat.next_at - beat.at, _SHORTEST_PAUSE), LONGEST_SILENCE)


def _facts(beat: Heartbeat) -> Iterator[tuple[str, Value, EntityInfo]]:
    for name, value, info in (
        ("uptime", beat.uptime, _UPTIME),
        ("loggers_in_range", beat.in_range, _IN_RANGE),
        ("logger_capacity", beat.capacity, _CAPACITY),
        ("mains_power", beat.is_usb_connected, _MAINS),
        ("charging", beat.is_charging, _CHARGING),
    ):
        if value is not None:
            yield name, value, info
    if beat.has_power_monitor:  # null on mains: the level is not known, but the battery is there
        yield "battery_level", beat.battery_level, _LEVEL


def _status(beat: Heartbeat, offset: dt.timedelta | None) -> Mapping[str, Any]:
    return {
        "name": beat.name,
        "model": beat.model,
        "software_version": beat.sw_version,
        "uptime": beat.uptime,
        "loggers_in_range": beat.in_range,
        "logger_capacity": beat.capacity,
        "current_time": None if beat.at is None else beat.at.isoformat(),
        "next_communication_at": None if beat.next_at is None else beat.next_at.isoformat(),
        "is_usb_connected": beat.is_usb_connected,
        "is_charging": beat.is_charging,
        "battery_level": beat.battery_level,
        "clock_offset": None if offset is None else offset.total_seconds(),
    }

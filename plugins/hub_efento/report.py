"""What a gateway's messages say, as values."""

import datetime as dt

from msgspec import Struct

from hub import Value, WireError
from hub_efento.types import Kind


class Sample(Struct, frozen=True, gc=False):
    """One parameter of a logger; ``value`` is None where the sensor could not tell."""

    kind: Kind
    channel: int
    value: Value


class Entry(Struct, frozen=True, gc=False):
    """One logger at one moment. ``signal`` is in dBm, ``interval`` in seconds."""

    serial: str
    at: dt.datetime
    samples: list[Sample]
    handle: int | None = None
    is_battery_low: bool | None = None
    signal: float | None = None
    interval: float | None = None
    next_at: dt.datetime | None = None


class Bad(Struct, frozen=True):
    """A part that could not be read; ``raw`` is a whole message with nothing else in it."""

    error: WireError
    raw: bytes
    serial: str | None = None
    handle: int | None = None


class Report(Struct):
    """What a measurements message, or a slice of one, says about *count* of its loggers."""

    count: int = 0
    entries: list[Entry] = []
    bad: list[Bad] = []


class Heartbeat(Struct, frozen=True, kw_only=True):
    """What a gateway says about itself. ``battery_level`` is in %, and None on mains.

    ``bad`` holds what could not be read; the rest counts all the same.
    """

    mac: str
    name: str | None = None
    model: str | None = None
    sw_version: str | None = None
    at: dt.datetime | None = None
    uptime: int | None = None
    in_range: int | None = None
    capacity: int | None = None
    next_at: dt.datetime | None = None
    has_power_monitor: bool = False
    is_usb_connected: bool | None = None
    is_charging: bool | None = None
    battery_level: int | None = None
    bad: tuple[WireError, ...] = ()

"""What is known about each logger, so that a message costs look-ups instead of new objects."""

import datetime as dt
import functools
from collections.abc import Mapping

from hub import DeviceInfo, DeviceKey, EntityInfo, GatewayKey, Value, units
from hub_efento.fields import MAC
from hub_efento.report import Entry
from hub_efento.types import Kind

PLUGIN = "efento"
MANUFACTURER = "Efento"
BATTERY = EntityInfo(
    domain="binary_sensor",
    name="Battery",
    device_class="battery",
    category="diagnostic",
    record="sample",
)
SIGNAL = EntityInfo(
    name="Signal strength",
    unit=units.DBM,
    device_class="signal_strength",
    state_class=units.MEASUREMENT,
    category="diagnostic",
    precision=0,
    record="sample",
)

_MOST_LOGGERS = 65536
_MOST_SLOTS = 64  # a logger has up to six channels

Slot = tuple[str, EntityInfo]
"""The key of an entity, and what describes it."""


def connections(mac: str) -> frozenset[tuple[str, str]]:
    """Return 12 hex digits as Home Assistant writes a MAC address; other text is none."""
    if not MAC.fullmatch(mac):
        return frozenset()
    pairs = mac.lower()
    return frozenset({("mac", ":".join(pairs[i : i + 2] for i in range(0, 12, 2)))})


@functools.lru_cache(maxsize=4096)
def describe(kind: Kind, channel: int | None, *, is_binary: bool) -> EntityInfo:
    """Return the description of an entity, one object for all that are alike.

    The name ends with the channel if one is given.
    """
    return EntityInfo(
        domain="binary_sensor" if is_binary else "sensor",
        name=kind.label if channel is None else f"{kind.label} {channel}",
        unit=kind.unit,
        device_class=kind.device_class,
        state_class=kind.state_class,
        precision=kind.precision,
    )


Contact = tuple[bool | None, float | None, float, float]
"""Battery, signal, quarter of an hour and second of a message."""


class Logger:
    """One logger: its key, its entities, and its description as of the last message."""

    __slots__ = ("_info", "_kinds", "_name", "_serial", "contact", "key", "slots")

    def __init__(self, serial: str, name: str) -> None:
        self.key = DeviceKey(PLUGIN, serial)
        self.slots: dict[tuple[str, int], Slot] = {}
        self._kinds: dict[str, int] = {}
        self._serial = serial
        self._name = name
        self._info: DeviceInfo | None = None
        self.contact: Contact | None = None

    def is_same_contact(self, contact: Contact, patience: float) -> bool:
        """Tell whether the last message, at most *patience* seconds older, said the same."""
        last = self.contact
        return last is not None and last[:3] == contact[:3] and contact[3] - last[3] <= patience

    def info(
        self, gateway: GatewayKey, signal: float | None, interval: dt.timedelta | None
    ) -> DeviceInfo:
        """Describe the device; the same object as before, if nothing has changed."""
        info = self._info
        if (
            info is None
            or info.signal != signal
            or info.gateway != gateway
            or info.interval != interval
        ):
            info = self._info = DeviceInfo(
                key=self.key,
                name=self._name,
                manufacturer=MANUFACTURER,
                model="Logger",
                serial_number=self._serial,
                connections=connections(self._serial),
                gateway=gateway,
                signal=signal,
                interval=interval,
            )
        return info

    def slot(self, kind: Kind, channel: int, value: Value, entry: Entry) -> Slot:
        """Return the key and description of a parameter that is not among ``slots`` yet.

        An entity is named after its type alone, unless the logger has another channel of that
        type, in this message or before: then its name ends with the channel. A name that has been
        given stays.
        """
        if len(self.slots) >= _MOST_SLOTS:
            return _slot(kind, channel, value, is_numbered=True)
        new = {(s.kind.name, s.channel): s for s in entry.samples[:_MOST_SLOTS]}
        new = {place: sample for place, sample in new.items() if place not in self.slots}
        for name, _ in new:
            self._kinds[name] = self._kinds.get(name, 0) + 1
        for place, s in new.items():
            is_numbered = self._kinds[s.kind.name] > 1
            self.slots[place] = _slot(s.kind, s.channel, s.value, is_numbered=is_numbered)
        place = (kind.name, channel)
        return self.slots.get(place) or _slot(kind, channel, value, is_numbered=True)


def _slot(kind: Kind, channel: int, value: Value, *, is_numbered: bool) -> Slot:
    is_binary = kind.is_binary or isinstance(value, bool)
    info = describe(kind, channel if is_numbered else None, is_binary=is_binary)
    return f"ch{channel}_{kind.name}", info


class Catalogue:
    """The loggers that were heard lately, up to a bound; who comes back is met again.

    *names* by serial number are the user's.
    """

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._names = dict(names or {})
        self._loggers: dict[str, Logger] = {}

    def logger(self, serial: str) -> Logger:
        """Return a logger by its serial number."""
        logger = self._loggers.get(serial)
        if logger is None:
            if len(self._loggers) >= _MOST_LOGGERS:
                del self._loggers[next(iter(self._loggers))]
            logger = self._loggers[serial] = Logger(
                serial, self._names.get(serial, f"{MANUFACTURER} {serial}")
            )
        return logger

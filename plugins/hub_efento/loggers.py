"""Simulated loggers: what they measure, with values that drift as they do in a real building."""

import math
import random
from typing import Any

from attrs import define, field, frozen

from hub_efento.types import KINDS, Kind

_CHANNELS = 3
# The door of the cold store stays open in some rounds of a cycle; it warms up, the door is closed,
# and it cools down again.
_CYCLE = 24
_WARM = range(3, 9)


@frozen
class _Course:
    """A value that swings around *base* by *swing*."""

    base: float
    swing: float
    digits: int = 0


_COURSES = {
    "temperature": _Course(21.0, 1.5, 1),
    "humidity": _Course(48, 6),
    "pressure": _Course(1013.2, 4, 1),
    "pressure_diff": _Course(15, 4),
    "iaq": _Course(60, 30),
    "static_iaq": _Course(80, 30),
    "co2": _Course(650, 200),
    "breath_voc": _Course(0.6, 0.3, 2),
    "ambient_light": _Course(300, 280, 1),
    "noise_level": _Course(45, 10, 1),
    "soil_moisture": _Course(20, 5),
    "high_pressure": _Course(400, 20),
    "distance_mm": _Course(1200, 300),
    "percentage": _Course(55, 20, 2),
    "voltage": _Course(3300, 40, 1),
    "current": _Course(12, 4, 2),
    "resistance": _Course(1000, 15),
}
_OTHER = _Course(10, 4)


@define
class Channel:
    """One channel of a logger."""

    kind: Kind
    rng: random.Random
    phase: float
    total: int = 0

    def value(self, step: int) -> object:
        """Return what this channel measures in round *step*, as it stands in the message."""
        if self.kind.is_binary:
            return self._word(self.rng.random() < 0.05)
        if self.kind.state_class == "total_increasing":
            self.total += self.rng.randrange(5)
            return self.total
        course = _COURSES.get(self.kind.name, _OTHER)
        swing = math.sin(step / 9 + self.phase) * course.swing
        return _rounded(course.base + swing + self.rng.gauss(0, course.swing / 12), course.digits)

    def _word(self, is_on: bool) -> str:
        words = {"open_close": ("open", "closed"), "leakage": ("water", "no water")}
        on, off = words.get(self.kind.name, ("on", "off"))
        if self.kind.name == "ok_alarm":
            on, off = "alarm", "ok"
        return on if is_on else off


@define
class Logger:
    """One logger with up to three channels."""

    serial: str
    rng: random.Random
    channels: list[Channel] = field(factory=list)
    strength: int = -70
    is_battery_low: bool = False

    def signal(self) -> int:
        """Return how well the gateway hears it, in dBm."""
        return self.strength + self.rng.randrange(-3, 4)

    def measure(self, step: int) -> list[dict[str, Any]]:
        """Return the parameters of round *step*; now and then a sensor fails."""
        has_failed = self.rng.random() < 0.005
        return [
            _param(number, channel.kind, None if has_failed else channel.value(step))
            for number, channel in enumerate(self.channels, 1)
        ]


@define
class ColdStore(Logger):
    """A cold store: its temperature, its humidity, and its door."""

    temperature: float = 4.0

    def measure(self, step: int) -> list[dict[str, Any]]:
        """Return temperature, humidity and door of round *step*."""
        is_open = step % _CYCLE in _WARM
        target, share = (16.0, 0.22) if is_open else (4.0, 0.35)
        self.temperature += (target - self.temperature) * share + self.rng.gauss(0, 0.05)
        humidity = 80 + (step % 5) - (12 if is_open else 0)
        return [
            _param(1, KINDS["temperature"], _rounded(self.temperature, 1)),
            _param(2, KINDS["humidity"], humidity),
            _param(3, KINDS["open_close"], "open" if is_open else "closed"),
        ]


def loggers(gateway: int) -> list[Logger]:
    """Return the loggers around gateway number *gateway*: a cold store, and all types of sensor."""
    rng = random.Random(gateway)  # noqa: S311 - weather, not secrets
    found: list[Logger] = [ColdStore(_serial(gateway, 0), rng)]
    kinds = list({kind.name: kind for kind in KINDS.values()}.values())
    for start in range(0, len(kinds), _CHANNELS):
        channels = [
            Channel(kind, rng, rng.random() * 6) for kind in kinds[start : start + _CHANNELS]
        ]
        found.append(
            Logger(
                _serial(gateway, len(found)),
                rng,
                channels,
                strength=-50 - rng.randrange(40),
                is_battery_low=rng.random() < 0.05,
            )
        )
    return found


def _serial(gateway: int, number: int) -> str:
    return f"282C02{gateway % 0x1000:03X}{number:03X}"


def _param(channel: int, kind: Kind, value: object) -> dict[str, Any]:
    name = "open-close" if kind.name == "open_close" else kind.name
    status = "ok" if value is not None else "error"
    return {"channel": channel, "type": name, "value": value, "status": status}


def _rounded(value: float, digits: int) -> float:
    return round(value, digits) if digits else round(value)

"""What Efento's loggers measure: names, units and how values are read.

The documented types are temperature, humidity, pressure, pressure_diff and open-close (Efento API
doc, Measurements). The others are those of Efento's NB-IoT sensors (``proto_measurement_types``);
how a gateway would spell them is not public, hence the aliases. A type that is not listed passes
through under its own name.
"""

import functools
import math
import re
from collections.abc import Mapping

from attrs import frozen

from hub import Value, units
from hub_efento.fields import shown

# Raw values of a sensor that failed (NB-IoT sample values; 8388557 and the like have been seen
# where a temperature should be).
_ERRORS = range(8355840, 8388608)
_NUMERIC = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 32
_LONGEST_TEXT = 4096
_LONGEST_NAME = 64
_INT64 = 1 << 63

_WORDS = {
    "open": True, "closed": False, "close": False, "alarm": True, "ok": False,
    "on": True, "off": False, "true": True, "false": False, "1": True, "0": False,
    "yes": True, "no": False, "water": True, "no water": False, "no_water": False,
    "leak": True, "no leak": False, "no_leak": False,
}  # fmt: skip


@frozen(eq=False)
class Kind:
    """One type of measurement, with what Home Assistant calls its unit and classes."""

    name: str
    label: str
    unit: str | None = None
    device_class: str | None = None
    state_class: str | None = None
    precision: int | None = None
    is_binary: bool = False
    is_known: bool = True

    def read(self, value: object) -> Value:
        """Return a value as this type holds it; None if the sensor could not tell.

        Raises:
            ValueError: It is not a value of this type; the text says what was expected.
        """
        kind = type(value)
        if kind is int or kind is float:
            return self._number(value)  # type: ignore[arg-type]
        if value is None:
            return None
        if kind is bool:
            if self.is_known and not self.is_binary:
                raise ValueError(f"expected a number, got {shown(value)}")
            return bool(value)
        if kind is str:
            return self._text(str(value))
        raise ValueError(f"expected a number or text, got {shown(value)}")

    def _number(self, value: float) -> Value:
        # A float is looked for in a range one number at a time: compare with its ends.
        if not math.isfinite(value) or _ERRORS.start <= value < _ERRORS.stop:
            return None
        if self.is_binary:
            if value not in (0, 1):
                raise ValueError(f"expected open or closed, got {shown(value)}")
            return value == 1
        if type(value) is int and not -_INT64 <= value < _INT64:
            raise ValueError("expected a number of at most 64 bits")
        return value

    def _text(self, text: str) -> Value:
        bare = text.strip()
        if self.is_binary:
            word = _WORDS.get(bare.lower())
            if word is None:
                raise ValueError(f"expected open or closed, got {shown(text)}")
            return word
        if len(bare) <= _LONGEST_NUMBER and _NUMERIC.fullmatch(bare):
            return self._number(float(bare))
        if bare.lower().lstrip("+-") in ("nan", "inf", "infinity"):
            return None
        if self.is_known:
            raise ValueError(f"expected a number, got {shown(text)}")
        if len(text) > _LONGEST_TEXT:
            raise ValueError(f"expected at most {_LONGEST_TEXT} characters")
        text.encode()  # half of a surrogate pair is a ValueError too
        return text


def _number(
    name: str, label: str, unit: str | None = None, cls: str | None = None, digits: int | None = 0
) -> Kind:
    return Kind(name, label, unit, cls, units.MEASUREMENT, digits)


def _total(name: str, label: str, unit: str | None, cls: str | None = None) -> Kind:
    return Kind(name, label, unit, cls, units.TOTAL_INCREASING, 0)


def _binary(name: str, label: str, cls: str | None = None) -> Kind:
    return Kind(name, label, device_class=cls, is_binary=True)


# What a meter counts per period has no device class: Home Assistant's energy and water classes
# stand for totals. Neither have units that Home Assistant's class does not know (ppm of NO2, hl).
_TABLE: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (_number("temperature", "Temperature", units.CELSIUS, "temperature", 1), ()),
    (
        _number("humidity", "Humidity", units.PERCENT, "humidity"),
        ("humidity_accurate", "humidity_relative", "relative_humidity"),
    ),
    (
        _number("pressure", "Pressure", units.HECTOPASCAL, "atmospheric_pressure", 1),
        ("atmospheric_pressure",),
    ),
    (
        _number("pressure_diff", "Differential pressure", units.PASCAL, "pressure"),
        ("differential_pressure",),
    ),
    (_binary("open_close", "Opening", "opening"), ()),
    (_binary("ok_alarm", "Alarm", "problem"), ()),
    (_binary("leakage", "Leakage", "moisture"), ("flooding", "water")),
    (_binary("output_control", "Output", "power"), ("output",)),
    (_number("iaq", "Air quality index", None, "aqi"), ()),
    (_number("static_iaq", "Static air quality index"), ()),
    (
        _number("co2", "Carbon dioxide", units.PPM, "carbon_dioxide"),
        ("co2_gas", "co2_equivalent"),
    ),
    (
        _number("breath_voc", "Breath VOC", units.PPM, "volatile_organic_compounds_parts", 2),
        (),
    ),
    (_number("co", "Carbon monoxide", units.PPM, "carbon_monoxide"), ("co_gas",)),
    (_number("no2", "Nitrogen dioxide", units.PPM), ("no2_gas",)),
    (_number("h2s", "Hydrogen sulphide", units.PPM, None, 2), ("h2s_gas",)),
    (_number("nh3", "Ammonia", units.PPM), ("nh3_gas",)),
    (_number("ch4", "Methane", units.PPM), ("ch4_gas",)),
    (_number("ambient_light", "Light", units.LUX, "illuminance", 1), ()),
    (_number("pm_1_0", "PM1", units.MICROGRAMS_PER_M3, "pm1"), ("pm1", "pm_1")),
    (_number("pm_2_5", "PM2.5", units.MICROGRAMS_PER_M3, "pm25"), ("pm2_5", "pm25")),
    (_number("pm_10_0", "PM10", units.MICROGRAMS_PER_M3, "pm10"), ("pm10", "pm_10")),
    (_number("noise_level", "Noise", units.DECIBEL, "sound_pressure", 1), ("noise",)),
    (_number("soil_moisture", "Soil moisture", units.KILOPASCAL), ()),
    (_number("high_pressure", "Pressure", units.KILOPASCAL, "pressure"), ()),
    (_number("distance_mm", "Distance", units.MILLIMETRE, "distance"), ("distance",)),
    (_number("percentage", "Percentage", units.PERCENT, None, 2), ()),
    (_number("voltage", "Voltage", units.MILLIVOLT, "voltage", 1), ()),
    (_number("current", "Current", units.MILLIAMPERE, "current", 2), ("current_precise",)),
    (_number("resistance", "Resistance", units.OHM), ()),
    (_number("pulse_cnt", "Pulses", "pulses"), ("pulse_counter",)),
    (_number("electricity_meter", "Energy in period", units.WATT_HOUR), ("electricity",)),
    (_number("water_meter", "Water in period", units.LITRE), ("water_cnt",)),
    (
        _total("water_meter_acc_minor", "Water total", units.LITRE, "water"),
        ("water_cnt_acc_minor",),
    ),
    (_total("water_meter_acc_major", "Water total (hl)", "hL"), ("water_cnt_acc_major",)),
    (_total("pulse_cnt_acc_minor", "Pulses total", "pulses"), ()),
    (_total("pulse_cnt_acc_major", "Pulses total (thousands)", "1000 pulses"), ()),
    (_total("pulse_cnt_acc_wide_minor", "Pulses wide total", "pulses"), ()),
    (
        _total("pulse_cnt_acc_wide_major", "Pulses wide total (millions)", "1000000 pulses"),
        (),
    ),
    (
        _total("elec_meter_acc_minor", "Energy total (Wh)", units.WATT_HOUR, "energy"),
        ("electricity_meter_acc_minor",),
    ),
    (
        _total("elec_meter_acc_major", "Energy total", units.KILOWATT_HOUR, "energy"),
        ("electricity_meter_acc_major",),
    ),
)

KINDS: Mapping[str, Kind] = {
    name: kind for kind, aliases in _TABLE for name in (kind.name, *aliases)
}
"""Every spelling, in lower case with underscores, → what it means."""


@functools.lru_cache(maxsize=4096)
def kind_of(text: str) -> Kind:
    """Return the kind that a message calls *text*; one it does not list gets its own name.

    Raises:
        ValueError: The text can't be a name: empty, too long, or not printable.
    """
    name = text.strip().lower().replace("-", "_").replace(" ", "_")
    known = KINDS.get(name)
    if known is not None:
        return known
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ValueError(f"expected a type of 1 to {_LONGEST_NAME} characters, got {shown(text)}")
    label = name.replace("_", " ").strip().capitalize()
    return Kind(name, label or name, is_known=False)

"""Units, device classes and state classes by Home Assistant's names.

Source: the sensor, binary sensor, number and switch pages of Home Assistant's developer
documentation. A plugin that uses the constants can't misspell them.
"""

from typing import Final

# Units
CELSIUS: Final = "°C"
KELVIN: Final = "K"
FAHRENHEIT: Final = "°F"
PERCENT: Final = "%"
HECTOPASCAL: Final = "hPa"
KILOPASCAL: Final = "kPa"
PASCAL: Final = "Pa"
PPM: Final = "ppm"
LUX: Final = "lx"
MICROGRAMS_PER_M3: Final = "µg/m³"
DECIBEL: Final = "dB"
DBM: Final = "dBm"
MILLIMETRE: Final = "mm"
METRE: Final = "m"
VOLT: Final = "V"
MILLIVOLT: Final = "mV"
AMPERE: Final = "A"
MILLIAMPERE: Final = "mA"
WATT: Final = "W"
WATT_HOUR: Final = "Wh"
KILOWATT_HOUR: Final = "kWh"
OHM: Final = "Ω"
LITRE: Final = "L"
CUBIC_METRE: Final = "m³"
SECOND: Final = "s"
MINUTE: Final = "min"
HOUR: Final = "h"
METRES_PER_SECOND: Final = "m/s"
DEGREE: Final = "°"

# State classes
MEASUREMENT: Final = "measurement"
TOTAL: Final = "total"
TOTAL_INCREASING: Final = "total_increasing"
STATE_CLASSES: Final = frozenset({MEASUREMENT, TOTAL, TOTAL_INCREASING})

# States every entity may have
UNKNOWN: Final = "unknown"
UNAVAILABLE: Final = "unavailable"
ON: Final = "on"
OFF: Final = "off"

SENSOR_CLASSES: Final = frozenset(
    {
        "absolute_humidity", "apparent_power", "aqi", "area", "atmospheric_pressure", "battery",
        "blood_glucose_concentration", "carbon_dioxide", "carbon_monoxide", "conductivity",
        "current", "data_rate", "data_size", "date", "distance", "duration", "energy",
        "energy_distance", "energy_storage", "enum", "frequency", "gas", "humidity",
        "illuminance", "irradiance", "moisture", "monetary", "nitrogen_dioxide",
        "nitrogen_monoxide", "nitrous_oxide", "ozone", "ph", "pm1", "pm10", "pm25", "power",
        "power_factor", "precipitation", "precipitation_intensity", "pressure",
        "reactive_energy", "reactive_power", "signal_strength", "sound_pressure", "speed",
        "sulphur_dioxide", "temperature", "timestamp", "volatile_organic_compounds",
        "volatile_organic_compounds_parts", "voltage", "volume", "volume_flow_rate",
        "volume_storage", "water", "weight", "wind_direction", "wind_speed",
    }
)  # fmt: skip

BINARY_SENSOR_CLASSES: Final = frozenset(
    {
        "battery", "battery_charging", "carbon_monoxide", "cold", "connectivity", "door",
        "garage_door", "gas", "heat", "light", "lock", "moisture", "motion", "moving",
        "occupancy", "opening", "plug", "power", "presence", "problem", "running", "safety",
        "smoke", "sound", "tamper", "update", "vibration", "window",
    }
)  # fmt: skip

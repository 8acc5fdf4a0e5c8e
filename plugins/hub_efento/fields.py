"""How single fields of Efento's messages are read.

Each reader takes whatever JSON brought and raises ValueError with what was expected instead.
"""

import datetime as dt
import functools
import re

from hub import UTC

MAC = re.compile(r"[0-9A-F]{12}")
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMERIC = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})", re.ASCII)
_LONGEST_SERIAL = 64
_LONGEST_TEXT = 255
_LONGEST_INTERVAL = 366 * 86400
_INT64 = 1 << 63
_LARGEST_CHANNEL = 1 << 31
_LENGTH = len("2024-10-12 15:28:21 UTC")
_SHORTEST_TIME = len("2024-10-12 15:28")


def shown(value: object) -> str:
    """Return a value as an error shows it: in plain ASCII, and short."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= _INT64:
        return "a number of more than 64 bits"
    text = ascii(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def serial(value: object) -> str:
    """Return a logger's serial number in upper case: mostly the 12 hex digits of its address."""
    if type(value) is str:
        return _serial(value)
    raise ValueError(f"expected a serial number, got {shown(value)}")


@functools.lru_cache(maxsize=65536)
def _serial(value: str) -> str:
    text = value.strip().upper()
    if not 1 <= len(text) <= _LONGEST_SERIAL or not text.isprintable():
        raise ValueError(f"expected 1 to {_LONGEST_SERIAL} characters, got {shown(value)}")
    return text


def moment(value: object) -> dt.datetime:
    """Read a time of measurement, in UTC.

    "2024-10-12 15:28:21 UTC": a blank and a zone name, not ISO 8601 (Efento API doc,
    Measurements). Firmware of API v2 leaves the zone out. ISO 8601 is taken as well.
    """
    if type(value) is not str:
        raise ValueError(f"expected a time, got {shown(value)}")
    try:
        if len(value) == _LENGTH and value[19:] == " UTC":
            return dt.datetime.fromisoformat(f"{value[:19]}+00:00")
        text = value.strip().removesuffix("UTC").rstrip()
        if len(text) >= _SHORTEST_TIME:
            at = dt.datetime.fromisoformat(text)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"expected a time such as 2024-10-12 15:28:21 UTC, got {shown(value)}")


def params(value: object) -> list[object]:
    """Return the list of parameters; firmware leaves it empty when no sensor is connected."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise ValueError(f"expected a list, got {shown(value)}")


def whole(value: object) -> int:
    """Return a whole number of at most 64 bits, also from 4.0 or "4"."""
    if type(value) is int:
        found = value
    elif (isinstance(value, str) and _WHOLE.fullmatch(value.strip())) or (
        isinstance(value, float) and value.is_integer()
    ):
        found = int(value)
    else:
        raise ValueError(f"expected a whole number, got {shown(value)}")
    if not -_INT64 <= found < _INT64:
        raise ValueError(f"expected a whole number of 64 bits, got {shown(value)}")
    return found


def channel(value: object) -> int:
    """Return a channel number."""
    number = value if type(value) is int else whole(value)
    if not -_LARGEST_CHANNEL <= number < _LARGEST_CHANNEL:
        raise ValueError(f"expected a channel number, got {shown(value)}")
    return number


def number(value: object) -> float:
    """Return a finite number, also from text."""
    if type(value) is int or type(value) is float:
        if -_INT64 < value < _INT64:  # which NaN is not
            return value
    elif type(value) is str and _NUMERIC.fullmatch(value.strip()):
        return float(value)
    raise ValueError(f"expected a number, got {shown(value)}")


def signal(value: object) -> float | None:
    """Return a signal strength in dBm; what is not negative is on another scale, hence None."""
    strength = number(value)
    return strength if strength < 0 else None


def interval(value: object) -> float:
    """Return an interval in seconds."""
    seconds = number(value)
    if not 0 < seconds <= _LONGEST_INTERVAL:
        raise ValueError(f"expected 1 to {_LONGEST_INTERVAL} seconds, got {shown(value)}")
    return seconds


def is_ok(value: object) -> bool:
    """Read a parameter's status; firmware of API v2 has none."""
    if value is None:
        return True
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in ("ok", "error"):
        raise ValueError(f"expected ok or error, got {shown(value)}")
    return word == "ok"


def is_battery_low(value: object) -> bool:
    """Read a logger's battery: ok or low."""
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in ("ok", "low"):
        raise ValueError(f"expected ok or low, got {shown(value)}")
    return word == "low"


# -- heartbeats -----------------------------------------------------------------------------------


def mac(value: object) -> str:
    """Return a gateway's address as 12 hex digits in upper case."""
    text = value.strip().upper().replace(":", "").replace("-", "") if type(value) is str else ""
    if not MAC.fullmatch(text):
        raise ValueError(f"expected a MAC address such as 28:2C:02:4F:03:0A, got {shown(value)}")
    return text


def label(value: object) -> str:
    """Return a name, model or version."""
    text = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= _LONGEST_TEXT or not text.isprintable():
        raise ValueError(f"expected text of 1 to {_LONGEST_TEXT} characters, got {shown(value)}")
    return text


def unix(value: object) -> dt.datetime:
    """Return a time given in seconds since 1970."""
    try:
        return dt.datetime.fromtimestamp(number(value), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"expected seconds since 1970, got {shown(value)}") from None


def count(value: object) -> int:
    """Return a number that can't be negative: an uptime, a percentage."""
    amount = whole(value)
    if amount < 0:
        raise ValueError(f"expected 0 or more, got {amount}")
    return amount


def loggers(value: object) -> tuple[int, int | None]:
    """Read ``"128/128"``, text: how many loggers are in range, and how many the gateway can take.

    Source: the sample of the Efento API doc, Heartbeat; the page does not say what the second
    number is, so it may be missing.
    """
    in_range, slash, capacity = (
        value.partition("/") if isinstance(value, str) else (value, "", None)
    )
    return count(in_range), count(capacity) if slash else None


def flag(value: object) -> bool:
    """Return a truth value, also from 0 and 1."""
    if value not in (0, 1) or not isinstance(value, bool | int):
        raise ValueError(f"expected true or false, got {shown(value)}")
    return bool(value)

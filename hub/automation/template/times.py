"""Times in templates. A time without a zone is local, as in Home Assistant."""

import datetime as dt
import re
from typing import Any

from hub.automation.template.numbers import REQUIRED, fallback
from hub.automation.template.rendering import Names, Rendering

_ISO_DURATION = re.compile(
    r"(?P<sign>[-+]?)P(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_CLOCK_DURATION = re.compile(
    r"(?:(?P<days>-?\d{1,9}) (?:days?, )?)?(?P<sign>[-+]?)"
    r"(?:(?:(?P<hours>\d{1,9}):)?(?P<minutes>\d{1,9}):)?(?P<seconds>\d{1,9}(?:[.,]\d{1,6})?)"
)
_UNITS = (
    ("year", 365 * 86_400),
    ("month", 30 * 86_400),
    ("day", 86_400),
    ("hour", 3600),
    ("minute", 60),
    ("second", 1),
)
_LONGEST = 200
_BAD = (ValueError, TypeError, OverflowError, OSError)


def parse_datetime(text: str) -> dt.datetime | None:
    """Read an ISO 8601 date or time, or return None."""
    try:
        return dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def parse_timedelta(text: str) -> dt.timedelta | None:
    """Read ``PT10M``, ``[D ]HH:MM:SS`` or seconds, or return None."""
    found = _CLOCK_DURATION.fullmatch(text) or (
        _ISO_DURATION.fullmatch(text) if text[-1:] not in ("P", "T") else None
    )
    if found is None:
        return None
    parts = {
        k: float(v.replace(",", ".")) for k, v in found.groupdict().items() if v and k != "sign"
    }
    days = dt.timedelta(days=parts.pop("days", 0))
    rest = dt.timedelta(**parts)
    sign = -1 if found["sign"] == "-" else 1
    if found.re is _ISO_DURATION:
        return sign * (days + rest)
    return days + sign * rest


def age(seconds: float, precision: int = 1) -> str:
    """Say how long *seconds* are, in at most *precision* units; 0 means all of them."""
    words: list[str] = []
    for unit, size in _UNITS:
        if seconds < size:
            continue
        is_last = len(words) + 1 == precision
        count = round(seconds / size) if is_last else int(seconds // size)
        words.append(f"{count} {unit}{'' if count == 1 else 's'}")
        if is_last:
            break
        seconds -= count * size
    return " ".join(words) or "0 seconds"


class Times:
    """The functions around the clock and the hub's time zone."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering

    def clock_names(self) -> Names:
        """Return the functions that look at the clock."""
        return self._rendering.unlimited(
            {
                "now": self._rendering.now,
                "relative_time": self.relative_time,
                "time_since": self.time_since,
                "time_until": self.time_until,
                "today_at": self.today_at,
                "utcnow": self.utcnow,
            }
        )

    def both(self) -> Names:
        """Return what is function and filter."""
        return {
            "as_datetime": self.as_datetime,
            "as_local": self.as_local,
            "as_timedelta": as_timedelta,
            "as_timestamp": as_timestamp,
        }

    def filters(self) -> Names:
        """Return what is a filter only."""
        return {
            "timestamp_custom": self.timestamp_custom,
            "timestamp_local": self.timestamp_local,
            "timestamp_utc": self.timestamp_utc,
        }

    def utcnow(self) -> dt.datetime:
        """Return the time in UTC."""
        self._rendering.touch_time()
        return self._rendering.clock.now()

    def today_at(self, time: str = "") -> dt.datetime:
        """Return today's local time of day, also where a change of clocks leaves it out."""
        today = self._rendering.now().replace(hour=0, minute=0, second=0, microsecond=0)
        if not time:
            return today
        try:
            parsed = dt.time.fromisoformat(str(time).strip())
        except ValueError as err:
            raise ValueError(f"could not convert str to time of day: '{time}'") from err
        return dt.datetime.combine(today.date(), parsed, today.tzinfo)

    def as_local(self, value: dt.datetime) -> dt.datetime:
        """Convert to local time."""
        zone = self._rendering.time_zone
        return value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)

    def as_datetime(self, value: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
        """Convert a text, or seconds since 1970, to a time."""
        if isinstance(value, dt.datetime):
            return value
        if isinstance(value, dt.date):
            return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - stays naive
        try:
            return dt.datetime.fromtimestamp(float(value), dt.UTC)
        except _BAD:
            pass
        if not isinstance(value, str):
            return fallback("as_datetime", value, default)
        parsed = parse_datetime(value)
        return default if parsed is None and default is not REQUIRED else parsed

    def _gap(self, value: Any) -> float | None:  # noqa: ANN401
        if not isinstance(value, dt.datetime):
            return None
        return (self._rendering.now() - self.as_local(value)).total_seconds()

    def time_since(self, value: Any, precision: int = 1) -> Any:  # noqa: ANN401
        """Say how long ago it was; a time to come is returned as it is."""
        gap = self._gap(value)
        return value if gap is None or gap < 0 else age(gap, precision)

    def time_until(self, value: Any, precision: int = 1) -> Any:  # noqa: ANN401
        """Say how long it will take; a time gone by is returned as it is."""
        gap = self._gap(value)
        return value if gap is None or gap > 0 else age(-gap, precision)

    def relative_time(self, value: Any) -> Any:  # noqa: ANN401
        """Say how long ago it was, in one unit."""
        self._rendering.touch_time()
        return self.time_since(value)

    def timestamp_custom(
        self,
        value: Any,  # noqa: ANN401
        date_format: str = "%Y-%m-%d %H:%M:%S",
        local: bool = True,
        default: Any = REQUIRED,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Print seconds since 1970 in a format."""
        try:
            zone = self._rendering.time_zone if local else dt.UTC
            return dt.datetime.fromtimestamp(value, dt.UTC).astimezone(zone).strftime(date_format)
        except _BAD:
            return fallback("timestamp_custom", value, default)

    def timestamp_local(self, value: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
        """Print seconds since 1970 as local time."""
        try:
            moment = dt.datetime.fromtimestamp(value, dt.UTC)
            return moment.astimezone(self._rendering.time_zone).isoformat()
        except _BAD:
            return fallback("timestamp_local", value, default)

    def timestamp_utc(self, value: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
        """Print seconds since 1970 in UTC."""
        try:
            return dt.datetime.fromtimestamp(value, dt.UTC).isoformat()
        except _BAD:
            return fallback("timestamp_utc", value, default)


def as_timestamp(value: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
    """Convert a time or a text to seconds since 1970; numbers are refused.

    A time without a zone counts as one of the machine's own zone, as in Home Assistant.
    """
    moment = parse_datetime(value) if isinstance(value, str) else value
    if not isinstance(moment, dt.datetime):
        return fallback("as_timestamp", value, default)
    return moment.timestamp()


def as_timedelta(value: Any) -> dt.timedelta | None:  # noqa: ANN401
    """Convert a text or a number of seconds to a duration, or return None."""
    return parse_timedelta(str(value).strip()[:100])


def read_time(text: Any, pattern: str, default: Any = REQUIRED) -> Any:  # noqa: ANN401
    """Read a text by a format; naive unless it holds a zone."""
    if len(str(pattern)) > _LONGEST or len(str(text)) > _LONGEST:
        return fallback("strptime", text, default)
    try:
        return dt.datetime.strptime(text, pattern)  # noqa: DTZ007 - the format decides
    except (ValueError, AttributeError, TypeError, re.error):
        return fallback("strptime", text, default)


def is_datetime(value: object) -> bool:
    """Tell whether it is a time."""
    return isinstance(value, dt.datetime)


GLOBALS: dict[str, Any] = {"strptime": read_time, "timedelta": dt.timedelta}
TESTS: dict[str, Any] = {"datetime": is_datetime}

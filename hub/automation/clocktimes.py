"""Moments of the local clock: which one comes next, whatever summer time does."""

import datetime as dt

from attrs import frozen

_SECOND = dt.timedelta(seconds=1)
# A pattern that does not match within this time never will.
_LONGEST = dt.timedelta(days=400)


@frozen
class ClockPattern:
    """Hours, minutes and seconds that count; None means all of them."""

    hours: frozenset[int] | None
    minutes: frozenset[int] | None
    seconds: frozenset[int] | None

    def next(self, after: dt.datetime, zone: dt.tzinfo) -> dt.datetime | None:
        """Return the first matching whole second at or after *after*, in UTC.

        An hour that summer time leaves out has no match, one that it repeats has two.
        """
        moment = after.astimezone(dt.UTC)
        if moment.microsecond:
            moment = moment.replace(microsecond=0) + _SECOND
        end = moment + _LONGEST
        while moment < end:
            local = moment.astimezone(zone)
            if self.hours is not None and local.hour not in self.hours:
                moment += dt.timedelta(minutes=60 - local.minute, seconds=-local.second)
                # The offset may change inside the hour that was skipped.
                moment -= dt.timedelta(minutes=moment.astimezone(zone).minute)
            elif self.minutes is not None and local.minute not in self.minutes:
                moment += dt.timedelta(seconds=60 - local.second)
            elif self.seconds is not None and local.second not in self.seconds:
                moment += _SECOND
            else:
                return moment
        return None


def parse_time(text: str) -> dt.time:
    """Read ``HH:MM`` or ``HH:MM:SS``.

    Raises:
        ValueError: It is neither.
    """
    parts = text.strip().split(":")
    if len(parts) not in (2, 3) or not all(p.isdecimal() and len(p) <= 2 for p in parts):
        raise ValueError(f"expected HH:MM or HH:MM:SS, got {text[:40]!r}")
    try:
        hour, minute, second = (*map(int, parts), 0)[:3]
        return dt.time(hour, minute, second)
    except ValueError as err:
        raise ValueError(f"expected HH:MM or HH:MM:SS, got {text[:40]!r}: {err}") from err


def pattern_of(time: dt.time) -> ClockPattern:
    """Return the pattern that matches one time of day."""
    return ClockPattern(frozenset({time.hour}), frozenset({time.minute}), frozenset({time.second}))

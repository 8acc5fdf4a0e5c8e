"""Lengths of time as Home Assistant writes them: ``"00:05"``, ``30``, ``{minutes: 5}``."""

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from hub.automation.template.engine import Template
from hub.errors import AutomationError

_CLOCK = re.compile(r"([-+]?)(\d{1,9}):(\d{1,9})(?::(\d{1,9}(?:\.\d{1,9})?))?")
_UNITS = ("days", "hours", "minutes", "seconds", "milliseconds")
_EXPECTED = "expected seconds, HH:MM, HH:MM:SS or a mapping of days, hours, minutes, seconds"


def parse_period(value: object) -> dt.timedelta:
    """Read a length of time; a bare number is seconds, ``00:02`` is two minutes.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, Mapping):
        return _from_mapping(value)
    if isinstance(value, bool) or value is None:
        raise ValueError(f"{_EXPECTED}, got {value!r}")
    if isinstance(value, int | float):
        return _seconds(float(value))
    if isinstance(value, dt.timedelta):
        return value
    text = str(value).strip()
    found = _CLOCK.fullmatch(text)
    if found is not None:
        sign, hours, minutes, seconds = found.groups()
        length = _seconds(int(hours) * 3600 + int(minutes) * 60 + float(seconds or 0))
        return -length if sign == "-" else length
    try:
        return _seconds(float(text))
    except ValueError:
        raise ValueError(f"{_EXPECTED}, got {text[:40]!r}") from None


def _from_mapping(value: Mapping[Any, Any]) -> dt.timedelta:
    unknown = [key for key in value if key not in _UNITS]
    if unknown or not value:
        raise ValueError(f"{_EXPECTED}, got {', '.join(map(str, unknown)) or 'nothing'}")
    try:
        total = dt.timedelta()
        for key, number in value.items():
            total += dt.timedelta(**{str(key): float(number)})
    except (ValueError, TypeError, OverflowError) as err:
        raise ValueError(f"{_EXPECTED}, {err}") from err
    return total


def _seconds(number: float) -> dt.timedelta:
    if not math.isfinite(number) or abs(number) > 1e10:
        raise ValueError(f"{_EXPECTED}, got {number}")
    return dt.timedelta(seconds=number)


@frozen
class Period:
    """A length of time that may have to be rendered first."""

    fixed: dt.timedelta | None
    template: Template | None = None
    parts: Mapping[str, Template | object] | None = None

    def resolve(self, variables: Mapping[str, Any]) -> dt.timedelta:
        """Return the length.

        Raises:
            AutomationError: The template does not give one, or a negative one.
            TemplateError: It can't be rendered.
        """
        if self.fixed is not None:
            return self.fixed
        value: object
        if self.template is not None:
            value = self.template.render(variables)
        else:
            value = {
                name: part.render(variables) if isinstance(part, Template) else part
                for name, part in (self.parts or {}).items()
            }
        try:
            length = parse_period(value)
        except ValueError as err:
            raise AutomationError(str(err)) from err
        if length < dt.timedelta():
            raise AutomationError(f"expected a time that is not negative, got {length}")
        return length

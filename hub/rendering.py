"""How a value becomes a state's text: one rule for all of the hub."""

import json
import math
from typing import Any

import msgspec

from hub.model import Value
from hub.state import MAX_STATE_LENGTH
from hub.units import OFF, ON, UNAVAILABLE, UNKNOWN

_TRUE = frozenset({"on", "open", "true", "yes", "1", "alarm", "detected", "wet"})
_FALSE = frozenset({"off", "closed", "false", "no", "0", "ok", "clear", "dry"})
# As many digits as a state has room for beside a sign; Python refuses to write out very many.
_LARGEST_WRITTEN = 10 ** (MAX_STATE_LENGTH - 1)
# Above 2**53 a float has no digit behind the point, and 1e300 in digits helps nobody.
_LARGEST_PLAIN = 1e16


def number_text(value: int | float) -> str:
    """Render a number: integral ones without ".0", others in their shortest form."""
    if isinstance(value, float):
        is_plain = value.is_integer() and abs(value) < _LARGEST_PLAIN
        return str(int(value)) if is_plain else repr(value)
    return str(value) if abs(value) < _LARGEST_WRITTEN else UNKNOWN


def binary_text(value: Value) -> str:
    """Render a value of a binary sensor or a switch: on, off, or unknown."""
    if isinstance(value, bool | int | float):
        return ON if value else OFF
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE:
            return ON
        if word in _FALSE:
            return OFF
    return UNKNOWN


def plain_text(value: Value) -> tuple[str, dict[str, Any] | None]:
    """Render any value; what is too long for a state moves to the attribute ``value``."""
    if isinstance(value, bool):
        return ("on" if value else "off"), None
    if isinstance(value, int | float):
        text = number_text(value)
        return text, ({"value": value} if text == UNKNOWN else None)
    if isinstance(value, str):
        text = value = _sayable(value)
    else:
        text = _json(value)
    if len(text) > MAX_STATE_LENGTH:
        return UNKNOWN, {"value": value}
    return text, None


def _sayable(text: str) -> str:
    """Replace halves of surrogate pairs: no client could be told of such a state."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


def _json(value: Value) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, UnicodeEncodeError):  # half of a surrogate pair, or a key that is no text
        return json.dumps(value)


def as_number(value: Value) -> float | None:
    """Return a number for a number, a boolean or a numeric text, else None."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    return None


def state_text(
    domain: str, value: Value, *, is_numeric: bool = False
) -> tuple[str, dict[str, Any] | None, bool]:
    """Render *value* as the state of an entity.

    Returns the text, extra attributes, and whether the value fits the entity: a text for a numeric
    sensor that is no number does not, and shows as ``unknown``.
    """
    if is_numeric and value.__class__ is float:  # by far the most frequent
        return number_text(value), None, True
    if value is None:
        return UNAVAILABLE, None, True
    if domain in {"binary_sensor", "switch"}:
        text = binary_text(value)
        return text, None, text != UNKNOWN
    if is_numeric:
        number = as_number(value)
        if number is None:
            return UNKNOWN, None, False
        text = number_text(number)
        return text, None, text != UNKNOWN
    text, extra = plain_text(value)
    return text, extra, True

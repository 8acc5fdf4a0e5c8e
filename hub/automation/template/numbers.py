"""Numbers in templates: converters, mathematics, statistics."""

import math
import operator
import random
import statistics
import struct
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import filters as jinja_filters
from jinja2 import pass_environment
from jinja2.environment import Environment

from hub.automation.template.guards import largest_number
from hub.automation.template.limits import MAX_VALUE
from hub.errors import TemplateError

REQUIRED: Any = object()
"""Stands for a default that was not given."""
_TRUE = frozenset({"1", "true", "yes", "on", "enable"})
_FALSE = frozenset({"0", "false", "no", "off", "disable"})
_BAD = (ValueError, TypeError)


def fallback(function: str, value: object, default: Any) -> Any:  # noqa: ANN401
    """Return the default for input that can't be converted.

    Raises:
        ValueError: There is none.
    """
    if default is REQUIRED:
        msg = f"{function} got invalid input {str(value)[:100]!r} and no default was given"
        raise ValueError(msg)
    return default


def to_float(value: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
    """Convert to a float."""
    try:
        return float(value)
    except _BAD:
        return fallback("float", value, default)


def to_int(value: Any, default: Any = REQUIRED, base: int = 10) -> Any:  # noqa: ANN401
    """Convert to a whole number; texts may be in another base, and fractions are cut off."""
    result = jinja_filters.do_int(value, default=REQUIRED, base=base)
    return fallback("int", value, default) if result is REQUIRED else result


def to_bool(value: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
    """Convert to true or false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
    elif isinstance(value, int | float):
        return value != 0
    return fallback("bool", value, default)


def is_number(value: Any) -> bool:  # noqa: ANN401
    """Tell whether *value* converts to a finite float."""
    try:
        return math.isfinite(float(value))
    except _BAD:
        return False


def rounded(value: Any, precision: int = 0, method: str = "common", default: Any = REQUIRED) -> Any:  # noqa: ANN401
    """Round: ``common`` is Python's way, or ``ceil``, ``floor``, ``half``."""
    try:
        if abs(precision) > 300:
            raise OverflowError("round: the precision is out of range")
        factor = float(10**precision)
        number = float(value)
        if method == "ceil":
            number = math.ceil(number * factor) / factor
        elif method == "floor":
            number = math.floor(number * factor) / factor
        elif method == "half":
            number = round(number * 2) / 2
        else:
            number = round(number, precision)
        return int(number) if precision == 0 else number
    except _BAD:
        return fallback("round", value, default)


def add(value: Any, amount: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
    """Add to a float."""
    try:
        return float(value) + amount
    except _BAD:
        return fallback("add", value, default)


def multiply(value: Any, amount: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
    """Multiply a float."""
    try:
        return float(value) * amount
    except _BAD:
        return fallback("multiply", value, default)


def logarithm(value: Any, base: Any = math.e, default: Any = REQUIRED) -> Any:  # noqa: ANN401
    """Return the logarithm to a base."""
    try:
        return math.log(float(value), float(base))
    except _BAD:
        return fallback("log", value, default)


def _real(name: str, function: Callable[[float], float]) -> Callable[..., Any]:
    def real(value: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
        try:
            return function(float(value))
        except _BAD:
            return fallback(name, value, default)

    return real


def atan2(*args: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
    """Return the angle of a point; both coordinates, or one list of them."""
    pair: Any = args
    if 1 <= len(args) <= 2 and isinstance(args[0], list | tuple):
        pair = args[0]
        default = args[1] if len(args) == 2 and default is REQUIRED else default
    elif len(args) == 3 and default is REQUIRED:
        default = args[2]
    try:
        return math.atan2(float(pair[0]), float(pair[1]))
    except _BAD:
        return fallback("atan2", args, default)


def _extreme(plain: Callable[..., Any]) -> Callable[..., Any]:
    @pass_environment
    def extreme(environment: Environment, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        items: Any = args
        if len(args) == 1:
            items = args[0]
            if not isinstance(items, Iterable):
                raise TypeError(f"'{type(items).__name__}' object is not iterable")
        elif not args:
            raise TypeError("expected at least 1 argument, got 0")
        return plain(environment, items, **kwargs)

    return extreme


def _statistic(name: str, function: Callable[[Any], Any]) -> Callable[..., Any]:
    def statistic(*args: Any, default: Any = REQUIRED) -> Any:  # noqa: ANN401
        if not args:
            raise TypeError(f"{name} expected at least 1 argument, got 0")
        items: Any = args
        if isinstance(args[0], Iterable):
            items = args[0]
            default = args[1] if len(args) > 1 and default is REQUIRED else default
        elif len(args) == 1:
            raise TypeError(f"'{type(args[0]).__name__}' object is not iterable")
        try:
            return function(items)
        except (TypeError, statistics.StatisticsError):
            return fallback(name, args[0], default)

    return statistic


def ordinal(value: Any) -> str:  # noqa: ANN401
    """Return ``1st``, ``2nd``, ``3rd``, …."""
    number = int(value)
    if 11 <= abs(number) % 100 <= 13:
        return f"{value}th"
    return f"{value}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(abs(number) % 10, 'th') }"


def pack(value: Any, format_string: str) -> bytes | None:  # noqa: ANN401
    """Pack into bytes; None if it does not fit."""
    _check_layout(format_string)
    try:
        return struct.pack(format_string, value)
    except struct.error:
        return None


def unpack(value: Any, format_string: str, offset: int = 0) -> Any:  # noqa: ANN401
    """Unpack the first field of bytes; None if it is not there."""
    _check_layout(format_string)
    try:
        return struct.unpack_from(format_string, value, offset)[0]
    except struct.error:
        return None


def _check_layout(layout: str) -> None:
    if len(layout) > 100 or largest_number(layout) > MAX_VALUE // 100:
        raise TemplateError("pack: the format is too long")


def _choose(value: Any) -> Any:  # noqa: ANN401
    return random.choice(value)  # noqa: S311 - no secret is made of it


_REALS = {
    name: _real(name, getattr(math, name))
    for name in ("acos", "asin", "atan", "cos", "sin", "sqrt", "tan")
}
_BOTH: dict[str, Any] = {
    **_REALS,
    "atan2": atan2,
    "average": _statistic("average", statistics.fmean),
    "bool": to_bool,
    "float": to_float,
    "int": to_int,
    "is_number": is_number,
    "log": logarithm,
    "max": _extreme(jinja_filters.do_max),
    "median": _statistic("median", statistics.median),
    "min": _extreme(jinja_filters.do_min),
    "pack": pack,
    "statistical_mode": _statistic("statistical_mode", statistics.mode),
    "unpack": unpack,
}
GLOBALS: dict[str, Any] = {**_BOTH, "e": math.e, "pi": math.pi, "tau": math.pi * 2}
FILTERS: dict[str, Any] = {
    **{name: value for name, value in _BOTH.items() if name not in ("max", "min")},
    "add": add,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "multiply": multiply,
    "ord": ord,
    "ordinal": ordinal,
    "random": _choose,
    "round": rounded,
}
TESTS: dict[str, Any] = {"is_number": is_number}

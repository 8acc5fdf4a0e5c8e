"""Guards around everything in a template that can make much out of little.

``'x' * 10**9``, ``'{:999999999}'.format(1)`` and their kind are one operation each and would take
the machine's memory in it. The size of the result is known, or estimated, before it is made.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2.sandbox import SandboxedFormatter

from hub.automation.template.limits import MAX_BITS, MAX_VALUE, Budget, size_of
from hub.errors import TemplateError

_NUMBERS = re.compile(r"\d+")
_SEQUENCES = (str, bytes, list, tuple)


def largest_number(text: str | bytes) -> int:
    """Return the largest number written in *text*: a width or precision of a format."""
    source = text.decode("latin-1") if isinstance(text, bytes) else text
    # Ten digits are over every limit; more would only cost time to convert.
    return max((int(number[:10]) for number in _NUMBERS.findall(source)), default=0)


def _bits(value: object) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def check_product(budget: Budget, left: object, right: object) -> None:
    """Refuse ``left * right`` if it would be too large."""
    for many, times in ((left, right), (right, left)):
        if isinstance(many, _SEQUENCES) and isinstance(times, int):
            size = len(many) if isinstance(many, str | bytes) else size_of(many, MAX_VALUE)
            budget.grow(size * max(times, 0))
    if _bits(left) + _bits(right) > MAX_BITS:
        raise TemplateError(f"a whole number would have more than {MAX_BITS} bits")


def check_power(left: object, right: object) -> None:
    """Refuse ``left ** right`` if it would be too large."""
    if isinstance(left, int) and isinstance(right, int) and _bits(left) * right > MAX_BITS:
        raise TemplateError(f"a whole number would have more than {MAX_BITS} bits")


def check_sum(budget: Budget, left: object, right: object) -> None:
    """Count ``left + right`` if they are texts or lists."""
    if isinstance(left, _SEQUENCES) and isinstance(right, _SEQUENCES):
        budget.grow(len(left) + len(right))


def check_percent(budget: Budget, pattern: object, values: object) -> None:
    """Refuse ``pattern % values`` if the text would be too large."""
    if not isinstance(pattern, str | bytes):
        return
    widths = _NUMBERS.findall(pattern if isinstance(pattern, str) else pattern.decode("latin-1"))
    size = len(pattern) + size_of(values, MAX_VALUE)
    size += sum(int(width[:10]) for width in widths)
    if (b"*" if isinstance(pattern, bytes) else "*") in pattern:  # type: ignore[operator]
        given = values if isinstance(values, tuple) else (values,)
        size += sum(abs(value) for value in given if isinstance(value, int))
    budget.grow(size)


class BoundedFormatter(SandboxedFormatter):
    """``str.format`` that stays in the sandbox and counts the width of each field."""

    def __init__(self, env: Any, budget: Budget) -> None:  # noqa: ANN401 - jinja's environment
        super().__init__(env)
        self._budget = budget

    def format_field(self, value: Any, format_spec: str) -> Any:  # noqa: ANN401 - inherited
        """Format one field, unless it would be too wide."""
        self._budget.grow(largest_number(format_spec) + size_of(value, MAX_VALUE))
        return super().format_field(value, format_spec)


def _first(args: Sequence[Any], kwargs: Mapping[str, Any], name: str, default: object) -> Any:  # noqa: ANN401
    return args[0] if args else kwargs.get(name, default)


def _width(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:  # noqa: ANN401
    width = _first(args, kwargs, "width", 0)
    return len(text) + (width if isinstance(width, int) else 0)


def _tabs(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:  # noqa: ANN401
    size = _first(args, kwargs, "tabsize", 8)
    tab = "\t" if isinstance(text, str) else b"\t"
    return len(text) + int(text.count(tab)) * (abs(size) if isinstance(size, int) else 0)


def _replaced(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:  # noqa: ANN401
    if len(args) < 2 or not all(isinstance(arg, str | bytes) for arg in args[:2]):
        return len(text)
    found = text.count(args[0]) if isinstance(args[0], type(text)) else 0
    return len(text) + int(found) * len(args[1])


def _joined(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:  # noqa: ANN401
    items = args[0] if args and isinstance(args[0], list | tuple | dict | set) else ()
    return size_of(items, MAX_VALUE) + len(text) * len(items)


def _translated(text: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:  # noqa: ANN401
    table = args[0] if args and isinstance(args[0], Mapping) else {}
    longest = max((len(v) for v in table.values() if isinstance(v, str)), default=1)
    return len(text) * max(longest, 1)


def _to_bytes(number: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:  # noqa: ANN401
    length = _first(args, kwargs, "length", 1)
    return length if isinstance(length, int) else 0


_METHODS: dict[str, Callable[[Any, Sequence[Any], Mapping[str, Any]], int]] = {
    "center": _width,
    "expandtabs": _tabs,
    "join": _joined,
    "ljust": _width,
    "replace": _replaced,
    "rjust": _width,
    "to_bytes": _to_bytes,
    "translate": _translated,
    "zfill": _width,
}
"""Method of a built-in type → estimate of its result's size."""


def check_method(
    budget: Budget,
    method: Any,  # noqa: ANN401 - a built-in method, which has no type of its own
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> tuple[Any, ...]:
    """Count the result of a built-in type's method; return the arguments to call it with."""
    estimate = _METHODS.get(method.__name__)
    owner = method.__self__
    if estimate is None or not isinstance(owner, str | bytes | int):
        return args
    if estimate is _joined and args and not isinstance(args[0], str | bytes):
        # Items that come from a generator can't be looked at twice.
        args = (list(budget.counted(args[0])), *args[1:])
    budget.grow(estimate(owner, args, kwargs))
    return args

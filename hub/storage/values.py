"""How a value lies in a row: a number to count with, and its JSON where that says more."""

import json
import re
from json.encoder import encode_basestring, encode_basestring_ascii
from math import isfinite

from hub.model import Value

# ASCII digits only: float() would also take "1_000", "nan" and other scripts' digits. Longer text
# is no measurement, and int() of it would cost time that grows with the square of its length.
_NUMERIC = re.compile(
    r"[ \t\r\n]*[+-]?(?:\d+(?P<frac>\.\d*)?|\.\d+)(?P<exp>[eE][+-]?\d+)?\s*", re.ASCII
)
_LONGEST_NUMERIC = 64
_INT64 = 1 << 63
_WORDS: dict[str, Value] = {"true": True, "false": False, '""': ""}


def encode(value: Value) -> tuple[int | float | None, str | None]:
    """Return *value* as ``(num, raw)``; `decode` is the exact inverse.

    ``num`` is what can be counted with (numbers, booleans, numeric text); ``raw`` is canonical
    JSON and only there if ``num`` alone would not give the value back. A gap is ``(None, None)``.

    Raises:
        ValueError: the value is or contains something JSON has no form for, as NaN or infinity.
    """
    kind = type(value)
    if kind is float:
        if not isfinite(value):  # type: ignore[arg-type]
            raise ValueError(f"a reading cannot be {value}: send a finite number or null")
        return value, None  # type: ignore[return-value]
    if kind is int:
        if -_INT64 <= value < _INT64:  # type: ignore[operator]
            return value, None  # type: ignore[return-value]
        return _as_float(value), str(value)  # type: ignore[arg-type]
    if value is None:
        return None, None
    if kind is bool:
        return (1, "true") if value else (0, "false")
    return (_number_in(value), _quote(value)) if isinstance(value, str) else (None, _dump(value))


def decode(num: float | None, raw: str | None) -> Value:
    """Return the value that `encode` was given."""
    if raw is None:
        return num
    word = _WORDS.get(raw)
    if word is not None:
        return word
    value: Value = json.loads(raw)
    return value


def _as_float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _number_in(text: str) -> int | float | None:
    if len(text) > _LONGEST_NUMERIC:
        return None
    match = _NUMERIC.fullmatch(text)
    if match is None:
        return None
    number = float(text)
    if "." not in text and match["exp"] is None and -_INT64 <= (whole := int(text)) < _INT64:
        return whole
    return number if isfinite(number) else None


def _quote(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair: JSON can say it, UTF-8 cannot
            return encode_basestring_ascii(text)
    return encode_basestring(text)


def _dump(value: Value) -> str:
    try:
        text = json.dumps(
            value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
        )
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (TypeError, RecursionError) as err:
        raise ValueError(f"a reading must be a JSON value: {err}") from err
    return text

"""From the text a template printed to the value it means, as Home Assistant reads it."""

import functools
import re
import warnings
from ast import literal_eval
from typing import Any

# Larger texts stay text: reading them as literals would hold the loop.
MAX_LITERAL = 65_536
_SHORT = 64
# "1e5", "0x10", "1_000" and "007" are numbers to Python and text to Home Assistant.
_NUMBER = re.compile(r"[+-]?(?!0\d)\d*(?:\.\d*)?")
# Python's tokenizer warns about these, and a device's text is nobody's source code.
_SUSPICIOUS = re.compile(r"\\|\d[._\w]*(?:and|else|for|if|in|is|not|or)")
_TRUE = frozenset({"1", "true", "yes", "on", "enable"})


def native(text: str) -> Any:  # noqa: ANN401 - a template can mean anything
    """Return the value that *text* stands for, or the text itself.

    Source: Home Assistant 2025.4, recorded as group ``native`` of the conformance data.
    """
    if len(text) > _SHORT:
        return _read(text) if len(text) <= MAX_LITERAL else text
    value = _read_short(text)
    # What can be changed must not be shared by all who rendered the same text.
    return _read(text) if isinstance(value, list | dict | set) else value


def _read(text: str) -> Any:  # noqa: ANN401
    try:
        if _SUSPICIOUS.search(text):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = literal_eval(text)
        else:
            value = literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return text
    if isinstance(value, str | complex):
        return text
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if _NUMBER.fullmatch(text) else text
    return value


_read_short = functools.lru_cache(maxsize=4096)(_read)


def truth(value: object) -> bool:
    """Tell whether a rendered value counts as true: ``1``, ``true``, ``yes``, ``on``, ``enable``.

    Numbers other than 0 are true; None and everything else are false.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.strip().lower() in _TRUE
    if isinstance(value, int | float):
        return value != 0
    return False

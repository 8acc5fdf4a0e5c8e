"""Texts in templates: regular expressions, hashes, encodings, JSON."""

import base64
import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
import regex  # type: ignore[import-untyped]  # has no types of its own
from awesomeversion import AwesomeVersion
from jinja2 import Undefined
from slugify import slugify

from hub.automation.template.limits import Budget
from hub.automation.template.rendering import Names
from hub.errors import TemplateError

_MAX_PATTERN = 1000
_REGEX_SECONDS = 0.05
_MAX_VERSION = 200


def slug(value: str, separator: str = "_") -> str:
    """Make a text safe for names."""
    if not value:
        return ""
    return slugify(value, separator=separator) or "unknown"


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str, ignorecase: bool) -> Any:  # noqa: ANN401 - regex has no types
    return regex.compile(pattern, regex.IGNORECASE if ignorecase else 0)


class Patterns:
    """Regular expressions, each call within a time limit."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def names(self) -> Names:
        """Return the filters, by the names templates use."""
        return {
            "regex_findall": self.findall,
            "regex_findall_index": self.findall_index,
            "regex_match": self.match,
            "regex_replace": self.replace,
            "regex_search": self.search,
        }

    def _run(self, name: str, pattern: str, ignorecase: bool, *args: Any) -> Any:  # noqa: ANN401
        if len(pattern) > _MAX_PATTERN:
            raise TemplateError(f"a pattern may have {_MAX_PATTERN} characters")
        self._budget.step()
        seconds = max(0.001, min(_REGEX_SECONDS, self._budget.left()))
        try:
            return getattr(_compiled(pattern, ignorecase), name)(*args, timeout=seconds)
        except TimeoutError as err:
            raise TemplateError(f"the pattern {pattern[:40]!r} took too long") from err

    def match(self, value: object, find: str = "", ignorecase: bool = False) -> bool:
        """Tell whether the text begins with the pattern."""
        return self._run("match", find, ignorecase, str(value)) is not None

    def search(self, value: object, find: str = "", ignorecase: bool = False) -> bool:
        """Tell whether the pattern is anywhere in the text."""
        return self._run("search", find, ignorecase, str(value)) is not None

    def replace(
        self, value: object = "", find: str = "", replace: str = "", ignorecase: bool = False
    ) -> str:
        """Replace each match."""
        text = str(value)
        # At most one match between any two characters, each as long as the replacement.
        self._budget.grow(len(text) + len(replace) * min(len(text) + 1, 10_000))
        return str(self._run("sub", find, ignorecase, replace, text))

    def findall(self, value: object, find: str = "", ignorecase: bool = False) -> list[Any]:
        """Return all matches."""
        text = str(value)
        self._budget.grow(len(text))
        return list(self._run("findall", find, ignorecase, text))

    def findall_index(
        self, value: object, find: str = "", index: int = 0, ignorecase: bool = False
    ) -> Any:  # noqa: ANN401 - text, or a tuple of groups
        """Return one of all matches."""
        return self.findall(value, find, ignorecase)[index]


def _hash(name: str) -> Callable[[str], str]:
    def digest(value: str) -> str:
        return hashlib.new(name, value.encode(), usedforsecurity=False).hexdigest()

    return digest


def to_json(
    value: Any,  # noqa: ANN401 - JSON is anything
    ensure_ascii: bool = False,
    pretty_print: bool = False,
    sort_keys: bool = False,
) -> str:
    """Print as JSON, compact by default; times and sets are refused."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=2 if pretty_print else None,
        separators=None if pretty_print else (",", ":"),
        sort_keys=sort_keys,
    )


def from_json(value: str | bytes) -> Any:  # noqa: ANN401
    """Read JSON; NaN and nothing at all are refused."""
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError as err:
        raise ValueError(f"from_json: {err}") from err


def base64_encode(value: str | bytes) -> str:
    """Encode in base 64."""
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def base64_decode(value: str, encoding: str | None = "utf-8") -> str | bytes:
    """Decode base 64, to bytes if *encoding* is none."""
    decoded = base64.b64decode(value)
    return decoded.decode(encoding) if encoding else decoded


def url_encode(value: Any) -> bytes:  # noqa: ANN401
    """Encode a mapping for an address."""
    return urlencode(value).encode()


def version(value: str) -> AwesomeVersion:
    """Return a version that compares as versions do."""
    if len(str(value)) > _MAX_VERSION:
        raise TemplateError(f"version: expected at most {_MAX_VERSION} characters")
    return AwesomeVersion(value)


def is_string_like(value: object) -> bool:
    """Tell whether it is text or bytes."""
    return isinstance(value, str | bytes | bytearray)


def contains(sequence: Any, value: object) -> bool:  # noqa: ANN401
    """Tell whether *value* is in *sequence*."""
    return value in sequence


def type_of(value: object) -> str:
    """Return the name of a value's type."""
    return type(value).__name__


def iif(
    value: Any,  # noqa: ANN401
    if_true: Any = True,  # noqa: ANN401
    if_false: Any = False,  # noqa: ANN401
    if_none: Any = ...,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Choose by truth; the fourth argument is for none alone."""
    if value is None and if_none is not ...:
        return if_none
    return if_true if bool(value) else if_false


def required(value: Any) -> Any:  # noqa: ANN401
    """Return the value, or fail if it is undefined."""
    if isinstance(value, Undefined):
        value()  # raises what this undefined value raises
    return value


_HASHES = {name: _hash(name) for name in ("md5", "sha1", "sha256", "sha512")}
GLOBALS: dict[str, Any] = {
    **_HASHES,
    "iif": iif,
    "slugify": slug,
    "typeof": type_of,
    "urlencode": url_encode,
    "version": version,
}
FILTERS: dict[str, Any] = {
    **_HASHES,
    "base64_decode": base64_decode,
    "base64_encode": base64_encode,
    "contains": contains,
    "from_json": from_json,
    "iif": iif,
    "is_defined": required,
    "slugify": slug,
    "to_json": to_json,
    "typeof": type_of,
    "version": version,
}
TESTS: dict[str, Any] = {"contains": contains, "string_like": is_string_like}

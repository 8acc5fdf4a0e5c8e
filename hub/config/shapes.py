"""The shapes of single values: what is expected, in words, and how it is read."""

import datetime as dt
import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Protocol
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from hub.config.nodes import Node, NodeStr
from hub.config.places import Failed, Place
from hub.config.secret import Secret

_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")
_CLOCK = re.compile(r"(\d{1,6}):([0-5]?\d)(?::([0-5]?\d(?:\.\d{1,6})?))?", re.ASCII)
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]*)", re.ASCII)
_SIZE_UNITS = {"": 1, "b": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("kmgt", start=1)
    for suffix, base in (("b", 1000), ("ib", 1024))
}
_TIME_UNITS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds")
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Shape(Protocol):
    """Reads a node; what does not fit is noted at its place and gives a :class:`Failed`."""

    def read(self, node: Node, place: Place) -> object:
        """Return the value of *node*, or what ``place.expected`` returns."""
        ...


@frozen
class Text:
    """Text, with bounds on its length and a pattern for all of it."""

    expectation: str = "text"
    minimum: int = 0
    maximum: int = 65_536
    pattern: str | None = None

    def read(self, node: Node, place: Place) -> str | Failed:
        """Return plain text; numbers and booleans have to be quoted to be text."""
        if not isinstance(node, str) or not self.minimum <= len(node) <= self.maximum:
            return place.expected(self.expectation, node)
        if self.pattern is not None and re.fullmatch(self.pattern, node) is None:
            return place.expected(self.expectation, node)
        return str.__str__(node)


@frozen
class Whole:
    """A whole number within bounds."""

    expectation: str = "a whole number"
    minimum: int | None = None
    maximum: int | None = None

    def read(self, node: Node, place: Place) -> int | Failed:
        """Return the number."""
        number = _from_environment(node, place, int)
        if isinstance(number, bool) or not isinstance(number, int) or not _within(number, self):
            return place.expected(self.expectation + _bounds(self), node)
        return number


@frozen
class Number:
    """A number within bounds."""

    expectation: str = "a number"
    minimum: float | None = None
    maximum: float | None = None

    def read(self, node: Node, place: Place) -> float | Failed:
        """Return the number; infinity and the like are none."""
        number = _from_environment(node, place, float)
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or abs(number) > 1e300 or not _within(number, self):
            return place.expected(self.expectation + _bounds(self), node)
        return float(number)


@frozen
class Flag:
    """True or false."""

    def read(self, node: Node, place: Place) -> bool | Failed:
        """Return the truth value: YAML 1.1 reads yes, no, on and off as one, too."""
        value = _from_environment(node, place, lambda text: _BOOLEANS[text.lower()])
        return value if isinstance(value, bool) else place.expected("true or false", node)


@frozen
class Duration:
    """A length of time: seconds, ``HH:MM`` or ``HH:MM:SS``, or a mapping of units."""

    minimum: dt.timedelta = dt.timedelta(0)
    maximum: dt.timedelta = dt.timedelta(days=36_500)
    expectation: str = 'seconds, "HH:MM:SS", or a mapping such as {minutes: 5}'

    def read(self, node: Node, place: Place) -> dt.timedelta | Failed:
        """Return the length of time."""
        try:
            duration = _duration(node)
        except (ValueError, TypeError, OverflowError):
            return place.expected(self.expectation, node)
        if not self.minimum <= duration <= self.maximum:
            return place.expected(f"a duration from {self.minimum} to {self.maximum}", node)
        return duration


@frozen
class ByteSize:
    """A number of bytes such as ``500MB`` or ``10GiB``."""

    minimum: int = 0
    maximum: int = 1 << 60

    def read(self, node: Node, place: Place) -> int | Failed:
        """Return the number of bytes."""
        size: object = node
        if isinstance(node, str) and (found := _SIZE.fullmatch(node.strip())):
            unit = _SIZE_UNITS.get(found[2].lower())
            size = int(float(found[1]) * unit) if unit else node
        is_number = isinstance(size, int) and not isinstance(size, bool)
        if not is_number or not self.minimum <= size <= self.maximum:  # type: ignore[operator]
            least = f" of at least {self.minimum} bytes" if self.minimum else ""
            return place.expected(f"a size such as 10GiB{least}", node)
        return size  # type: ignore[return-value]  # is_number


@frozen
class HostName:
    """A host name, or an IP address of the fourth or sixth version."""

    def read(self, node: Node, place: Place) -> str | Failed:
        """Return the name or address."""
        if isinstance(node, str) and len(node) <= 253:
            if _HOST.fullmatch(node):
                return str.__str__(node)
            try:
                return str(ipaddress.ip_address(str(node).removeprefix("[").removesuffix("]")))
            except ValueError:
                pass
        return place.expected("a host name or an IP address", node)


@frozen
class FilePath:
    """A path; a relative one starts at the configuration folder."""

    is_existing: bool = False

    def read(self, node: Node, place: Place) -> Path | Failed:
        """Return the path, absolute if the configuration folder is known."""
        if not isinstance(node, str) or not node or "\0" in node:
            return place.expected("a path", node)
        path = Path(node).expanduser() if node.startswith("~/") else Path(node)
        path = (place.folder or Path()) / path
        try:
            is_there = not self.is_existing or path.is_file()
        except OSError:  # the name is too long, or the folder closed
            is_there = False
        return path if is_there else place.expected("a file that exists and can be read", node)


@frozen
class SecretText:
    """Text that is never shown."""

    minimum: int = 1

    def read(self, node: Node, place: Place) -> Secret | Failed:
        """Return the text as a Secret."""
        place = evolve(place, is_secret=True)
        if not isinstance(node, str):
            return place.expected("text", node)
        if len(node) < self.minimum:
            return place.fail(f"expected a secret of at least {self.minimum} character(s)")
        return Secret(node)


@frozen
class Zone:
    """A time zone by its IANA name."""

    def read(self, node: Node, place: Place) -> ZoneInfo | Failed:
        """Return the zone."""
        if isinstance(node, str) and re.fullmatch(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*", node):
            try:
                return ZoneInfo(node)
            except (LookupError, ValueError, OSError):  # "Europe" is a folder
                pass
        return place.expected("a time zone such as Europe/Amsterdam", node)


@frozen
class Choice:
    """One of some values."""

    options: tuple[object, ...]

    def read(self, node: Node, place: Place) -> object:
        """Return the option as it was declared."""
        for option in self.options:
            if node == option and isinstance(node, bool) == isinstance(option, bool):
                return option
        *most, last = map(str, self.options)
        return place.expected(f"{', '.join(most)} or {last}" if most else last, node)


@frozen
class Parsed:
    """Text that a function turns into a value; a ValueError from it means that it does not fit."""

    parse: Callable[[str], Any]
    expectation: str

    def read(self, node: Node, place: Place) -> object:
        """Return what the function makes of the text."""
        if isinstance(node, str):
            try:
                return self.parse(str.__str__(node))
            except ValueError:
                pass
        return place.expected(self.expectation, node)


@frozen
class Anything:
    """Whatever is there, with its marks."""

    def read(self, node: Node, place: Place) -> Node:
        """Return the node itself."""
        return node


Port = Annotated[int, Whole("a port", 1, 65_535)]
"""A port of another machine."""

ListenPort = Annotated[int, Whole("a port", 0, 65_535)]
"""A port to listen on; 0 is any that is free."""

Host = Annotated[str, HostName()]
Size = Annotated[int, ByteSize()]
Percent = Annotated[float, Number("a percentage", 0, 100)]
Name = Annotated[str, Text("a name of 1 to 255 characters", 1, 255)]
ReadableFile = Annotated[Path, FilePath(is_existing=True)]


def _from_environment(node: Node, place: Place, read: Callable[[str], object]) -> Any:  # noqa: ANN401
    """Read text that came by a tag: the environment has no other type."""
    if isinstance(node, NodeStr) and place.mark.is_secret:
        try:
            return read(node)
        except (ValueError, LookupError):
            return node
    return node


def _within(number: float, shape: Whole | Number) -> bool:
    low = -math.inf if shape.minimum is None else shape.minimum
    high = math.inf if shape.maximum is None else shape.maximum
    return low <= number <= high


def _bounds(shape: Whole | Number) -> str:
    if shape.minimum is None:
        return "" if shape.maximum is None else f" of at most {shape.maximum}"
    if shape.maximum is None:
        return f" of at least {shape.minimum}"
    return f" from {shape.minimum} to {shape.maximum}"


def _duration(node: Node) -> dt.timedelta:
    if isinstance(node, bool):
        raise TypeError
    if isinstance(node, int | float):
        return dt.timedelta(seconds=node)
    if isinstance(node, str):
        if found := _CLOCK.fullmatch(node.strip()):
            hours, minutes, seconds = found.groups(default="0")
            return dt.timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
        return dt.timedelta(seconds=float(node))
    if isinstance(node, Mapping) and node and node.keys() <= set(_TIME_UNITS):
        return dt.timedelta(**{str(unit): _amount(amount) for unit, amount in node.items()})
    raise TypeError


def _amount(node: Node) -> float:
    if isinstance(node, bool) or not isinstance(node, int | float | str):
        raise TypeError
    return float(node)

"""Paths with ``{name}`` segments, found segment by segment."""

import re
from collections.abc import Iterator
from typing import Generic, TypeVar
from urllib.parse import unquote

_PARAMETER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
T = TypeVar("T")


class Node(Generic[T]):
    """One segment of a path: what ends here by method, and what goes on."""

    __slots__ = ("by_name", "by_value", "ends")

    def __init__(self) -> None:
        self.by_name: dict[str, Node[T]] = {}
        self.by_value: Node[T] | None = None
        self.ends: dict[str, T] = {}

    def add(self, shape: tuple[str | None, ...], method: str, end: T) -> None:
        """Put *end* at the end of *shape*, where None stands for a parameter."""
        node = self
        for name in shape:
            if name is None:
                node.by_value = node.by_value or Node()
                node = node.by_value
            else:
                node = node.by_name.setdefault(name, Node())
        node.ends[method] = end

    def walk(
        self, segments: list[str], index: int = 0, values: tuple[str, ...] = ()
    ) -> Iterator[tuple[dict[str, T], tuple[str, ...]]]:
        """Go through what lies at a path, names before parameters, with the parameters' values."""
        if index == len(segments):
            if self.ends:
                yield self.ends, values
            return
        segment = segments[index]
        named = self.by_name.get(segment)
        if named is not None:
            yield from named.walk(segments, index + 1, values)
        if self.by_value is not None and segment:
            yield from self.by_value.walk(segments, index + 1, (*values, segment))


def split(path: str) -> list[str]:
    """Cut a raw path into its decoded segments; what is no UTF-8 becomes U+FFFD."""
    segments = path.split("/")[1:]
    return [unquote(s) for s in segments] if "%" in path else segments


def shape_of(path: str) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    """Return a route's segments, with None for each parameter, and the parameters' names.

    Raises:
        ValueError: The path is malformed.
    """
    if not path.startswith("/") or "?" in path or "#" in path:
        raise ValueError(f"expected a path such as /api/v9/things/{{thing_id}}, got {path!r}")
    shape: list[str | None] = []
    names: list[str] = []
    for segment in path.split("/")[1:]:
        parameter = _PARAMETER.fullmatch(segment)
        if parameter is not None:
            names.append(parameter[1])
            shape.append(None)
        elif "{" in segment or "}" in segment:
            raise ValueError(f"expected {{name}} to be a whole segment, got {path!r}")
        else:
            shape.append(segment)
    if len(set(names)) != len(names):
        raise ValueError(f"expected each parameter once, got {path!r}")
    return tuple(shape), tuple(names)

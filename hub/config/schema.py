"""From nodes to attrs classes: the annotations of a class are its schema.

```python
@frozen(kw_only=True)
class Gateway:
    name: Name
    token: Secret
    port: Port = 1883
    pause: dt.timedelta = dt.timedelta(minutes=5)
    mode: Literal["full", "normal"] = "full"
    tags: tuple[str, ...] = ()

gateway = parse(Gateway, node, "thingsboard.gateways[0]")
```

A default makes a key optional. A finer shape goes into ``Annotated``, as in
``Annotated[int, Whole(minimum=1)]``. A class may check itself as a whole, in validators or in
``__attrs_post_init__``: the text of a ValueError is shown at the place of its mapping.
"""

import datetime as dt
import functools
import types
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)
from zoneinfo import ZoneInfo

import attrs
from attrs import NOTHING, frozen

from hub.config.nodes import NOWHERE, Mark, Node, NodeDict, NodeList, mark_of
from hub.config.places import FAILED, Failed, Place, hint
from hub.config.secret import Secret
from hub.config.shapes import (
    Anything,
    Choice,
    Duration,
    FilePath,
    Flag,
    Number,
    SecretText,
    Shape,
    Text,
    Whole,
    Zone,
)
from hub.errors import ConfigError, ConfigErrors

T = TypeVar("T")


def parse(
    cls: type[T],
    node: Node,
    where: str = "",
    *,
    mark: Mark = NOWHERE,
    folder: Path | None = None,
) -> T:
    """Make a *cls*, an attrs class, of *node*; None counts as an empty mapping.

    *where* is the path that errors name, *mark* the place of a node that can't tell its own,
    *folder* what relative paths start from.

    Raises:
        ConfigErrors: all that does not fit.
    """
    errors: list[ConfigError] = []
    place = Place(where, mark_of(node, mark), errors, folder)
    value = Section(cls).read(node, place)
    if errors:
        raise ConfigErrors(sorted(errors, key=lambda error: (error.file, error.line or 0)))
    return cast(T, value)


@frozen
class Section:
    """A mapping whose keys are the attributes of an attrs class."""

    cls: type

    def read(self, node: Node, place: Place) -> object:
        """Return an instance of the class."""
        if node is None:
            node = NodeDict({}, place.mark)
        if not isinstance(node, Mapping):
            return place.expected("a mapping", node)
        keys = _keys(self.cls)
        for key in node:
            if key not in keys and not place.is_full:
                place.key(node, key).fail(f"unknown key{hint(str(key), keys)}")
        values = {name: _attribute(node, key, field, place) for key, (name, field) in keys.items()}
        if any(isinstance(value, Failed) for value in values.values()):
            return FAILED
        given = {name: value for name, value in values.items() if value is not NOTHING}
        try:
            return self.cls(**given)
        except ValueError as error:
            return place.fail(str(error))


@frozen
class ListOf:
    """A list; an empty value counts as an empty list."""

    item: Shape

    def read(self, node: Node, place: Place) -> tuple[object, ...] | Failed:
        """Return a tuple of the items."""
        if node is None:
            return ()
        if not isinstance(node, list | tuple):
            return place.expected("a list", node)
        items = [self.item.read(item, place.item(node, i)) for i, item in enumerate(node)]
        return FAILED if any(isinstance(item, Failed) for item in items) else tuple(items)


@frozen
class MapOf:
    """A mapping from text to values of one shape; an empty value counts as an empty mapping."""

    item: Shape

    def read(self, node: Node, place: Place) -> dict[str, object] | Failed:
        """Return a dictionary."""
        if node is None:
            return {}
        if not isinstance(node, Mapping):
            return place.expected("a mapping", node)
        items: dict[str, object] = {}
        for key, item in node.items():
            spot = place.key(node, key)
            if not isinstance(key, str):
                items[str(key)] = spot.fail(f"expected a key that is text, got {spot.shown(key)}")
            else:
                items[str.__str__(key)] = self.item.read(item, spot)
        return FAILED if any(isinstance(item, Failed) for item in items.values()) else items


@frozen
class Maybe:
    """A value that may be left empty."""

    shape: Shape

    def read(self, node: Node, place: Place) -> object:
        """Return None, or the value."""
        return None if node is None else self.shape.read(node, place)


@frozen
class ListNode:
    """A list that somebody else reads: it keeps its marks."""

    def read(self, node: Node, place: Place) -> NodeList | Failed:
        """Return the list itself."""
        if node is None:
            return NodeList((), place.mark)
        if isinstance(node, NodeList):
            return node
        return (
            NodeList(node, place.mark) if isinstance(node, list) else place.expected("a list", node)
        )


_PLAIN: dict[object, Shape] = {
    str: Text(),
    int: Whole(),
    float: Number(),
    bool: Flag(),
    dt.timedelta: Duration(),
    Path: FilePath(),
    Secret: SecretText(),
    ZoneInfo: Zone(),
    Any: Anything(),
    object: Anything(),
    NodeList: ListNode(),
}


@functools.cache
def shape_of(annotation: Any) -> Shape:  # noqa: ANN401 - annotations have no common type
    """Return the shape that *annotation* stands for.

    Raises:
        TypeError: nothing is known about it, which is a mistake of the programmer.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    shape = _PLAIN.get(annotation)
    if origin is Annotated:
        shapes = [cast(Shape, extra) for extra in arguments[1:] if hasattr(extra, "read")]
        shape = shapes[0] if shapes else shape_of(arguments[0])
    elif origin is not None:
        shape = _generic(origin, arguments)
    elif isinstance(annotation, type) and attrs.has(annotation):
        shape = Section(annotation)
    if shape is None:
        raise TypeError(f"no shape is known for the annotation {annotation!r}")
    return shape


def _generic(origin: object, arguments: tuple[Any, ...]) -> Shape | None:
    if origin is Literal:
        return Choice(arguments)
    if origin in {Union, types.UnionType}:
        rest = [argument for argument in arguments if argument is not type(None)]
        return Maybe(shape_of(rest[0])) if len(rest) == 1 else None
    if origin in {tuple, Sequence} and arguments[1:] in {(), (...,)}:
        return ListOf(shape_of(arguments[0]))
    if origin in {dict, Mapping} and arguments[0] is str:
        return MapOf(shape_of(arguments[1]))
    return None


@frozen
class _Field:
    shape: Shape
    is_required: bool


@functools.cache
def _keys(cls: type) -> dict[str, tuple[str, _Field]]:
    """Return by key the argument and the field of each attribute that can be configured."""
    hints = get_type_hints(cls, include_extras=True)
    return {
        # "from_" stands for the key "from", which is no name in Python.
        attribute.name.rstrip("_"): (
            cast(str, attribute.alias),
            _Field(shape_of(hints[attribute.name]), attribute.default is NOTHING),
        )
        for attribute in attrs.fields(cls)
        if attribute.init
    }


def _attribute(node: Mapping[Hashable, Node], key: str, field: _Field, place: Place) -> object:
    if key in node:
        return field.shape.read(node[key], place.key(node, key))
    if field.is_required:
        return place.key(node, key).fail("required, and missing")
    return NOTHING

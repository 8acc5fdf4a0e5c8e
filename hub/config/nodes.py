"""What YAML becomes: dictionaries, lists and text that remember file and line.

Numbers, booleans and null can't carry a mark of their own, so a dictionary keeps one for each key
and a list one for each item.
"""

from collections.abc import Hashable, Iterable, Mapping

from attrs import frozen

Node = object
"""A :class:`NodeDict`, :class:`NodeList`, :class:`NodeStr`, number, boolean, date or None."""


@frozen
class Mark:
    """A place in a file. *file* is relative to the configuration folder, *line* counts from 1.

    *is_secret* says that the value there came from ``!secret`` or ``!env_var`` and is not shown.
    """

    file: str
    line: int
    is_secret: bool = False


NOWHERE = Mark("configuration", 0)
"""The mark of what was not read from a file."""


class NodeStr(str):
    """Text with the place it was read from."""

    __slots__ = ("mark",)

    def __new__(cls, value: str, mark: Mark = NOWHERE) -> "NodeStr":
        """Make a copy of *value* that knows its *mark*."""
        node = super().__new__(cls, value)
        node.mark = mark
        return node

    mark: Mark

    def __repr__(self) -> str:
        """Quote the text, unless it is a secret: a whole section may end up in a log line."""
        return repr("**REDACTED**") if self.mark.is_secret else super().__repr__()


class NodeList(list[Node]):
    """A list with the place it was read from; *marks* has that of each item."""

    __slots__ = ("mark", "marks")

    def __init__(
        self, items: Iterable[Node] = (), mark: Mark = NOWHERE, marks: Iterable[Mark] = ()
    ) -> None:
        super().__init__(items)
        self.mark = mark
        self.marks = tuple(marks)


class NodeDict(dict[Hashable, Node]):
    """A dictionary with the place it was read from; *marks* has that of each key."""

    __slots__ = ("mark", "marks")

    def __init__(
        self,
        items: Mapping[Hashable, Node] | None = None,
        mark: Mark = NOWHERE,
        marks: Mapping[Hashable, Mark] | None = None,
    ) -> None:
        super().__init__(items or {})
        self.mark = mark
        self.marks = dict(marks or {})


def mark_of(node: Node, default: Mark = NOWHERE) -> Mark:
    """Return where *node* was read, or *default* if it can't tell."""
    return node.mark if isinstance(node, NodeStr | NodeList | NodeDict) else default


def child_mark(parent: Node, key: Hashable, default: Mark = NOWHERE) -> Mark:
    """Return where *parent* has its key or item *key*, as well as that is known."""
    own = mark_of(parent, default)
    if isinstance(parent, NodeDict):
        return parent.marks.get(key, own)
    if isinstance(parent, NodeList) and isinstance(key, int) and key < len(parent.marks):
        return parent.marks[key]
    return own


def where(node: Node, key: Hashable = None) -> tuple[str, int]:
    """Return file and line of *node*, or of what it holds under *key*."""
    mark = mark_of(node) if key is None else child_mark(node, key)
    return mark.file, mark.line

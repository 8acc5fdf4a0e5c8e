"""From the text of one YAML file to nodes: YAML 1.1 without anything that is not data.

Composing is done here and not in libyaml, which recurses in C: a line of brackets ends the
process there. Only reading the events is left to libyaml, and nesting and aliases are bounded.
"""

import re
from collections.abc import Callable, Hashable
from typing import Any, Protocol

import yaml
from yaml.composer import Composer
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.events import AliasEvent, Event
from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.resolver import Resolver

from hub.config.nodes import Mark, Node, NodeDict, NodeList, NodeStr

MAX_DEPTH = 50
"""How deep lists and mappings may nest."""

SECRET_TAGS = frozenset({"!secret", "!env_var"})
INCLUDE_TAGS = frozenset(
    {
        "!include",
        "!include_dir_list",
        "!include_dir_merge_list",
        "!include_dir_named",
        "!include_dir_merge_named",
    }
)

EVENTS: Callable[[str], Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""What turns text into YAML events: libyaml where PyYAML was built with it, ten times as fast."""

_CORE = "tag:yaml.org,2002:"
# What YAML 1.1 allows in a file: PyYAML's two parsers differ in what else they let through.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Surroundings(Protocol):
    """What a file stands in: answers its tags and takes note of what is wrong with it."""

    def resolve(self, tag: str, value: str, mark: Mark) -> Node:
        """Return what the tag stands for; problems are noted and give None."""
        ...

    def count(self, node_count: int, mark: Mark) -> None:
        """Count nodes, an alias as all that it repeats; raise ConfigError if there are too many."""
        ...

    def warn(self, mark: Mark, key: str, message: str) -> None:
        """Note something that is odd and not wrong."""
        ...

    def fail(self, mark: Mark, problem: str) -> None:
        """Note something that is wrong."""
        ...


def forbidden_line(text: str) -> int | None:
    """Return the line of the first character that YAML does not allow."""
    found = _FORBIDDEN.search(text)
    return None if found is None else text.count("\n", 0, found.start()) + 1


class Builder(Composer, SafeConstructor, Resolver):
    """Builds the nodes of one file.

    A subclass of PyYAML's safe loader in all but its parser, which is held and not inherited.
    """

    def __init__(self, text: str, file: str, surroundings: Surroundings) -> None:
        self._events = EVENTS(text)
        self._file = file
        self._around = surroundings
        self._depth = 0
        self._count = 0
        self._sizes: dict[str, int] = {}
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)

    def build(self) -> Node:
        """Return the file's one document, None for an empty file.

        Raises:
            yaml.YAMLError: it is not valid YAML.
            ConfigError: it is too big.
        """
        root = self.get_single_node()
        return None if root is None else self.construct_object(root, deep=True)

    def check_event(self, *choices: type[Event]) -> bool:
        """Tell whether the next event is one of *choices*."""
        return bool(self._events.check_event(*choices))

    def peek_event(self) -> Event:
        """Return the next event and leave it there."""
        event: Event = self._events.peek_event()
        return event

    def get_event(self) -> Event:
        """Take the next event."""
        event: Event = self._events.get_event()
        return event

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401
        """Compose a node as PyYAML does, with bounds on nesting and on what aliases repeat."""
        event = self.peek_event()
        mark = self._mark(event)
        anchor: str | None = getattr(event, "anchor", None)
        if isinstance(event, AliasEvent) and anchor is not None:
            if anchor in self.anchors and anchor not in self._sizes:
                raise self._error(f"the alias *{anchor} contains itself", event)
            self._tally(self._sizes.get(anchor, 0), mark)
            return super().compose_node(parent, index)
        if self._depth >= MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH} levels", event)
        self._tally(1, mark)
        before = self._count
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if anchor is not None:
            self._sizes[anchor] = 1 + self._count - before
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002, RUF100
        """Construct a node; a scalar that does not fit its tag is noted and gives None."""
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, LookupError, AttributeError, TypeError, OverflowError):
            # The value is not shown: it may stand in secrets.yaml.
            self._around.fail(self._mark(node), f"not a valid {node.tag.removeprefix(_CORE)}")
            return None

    def construct_text(self, node: ScalarNode) -> NodeStr:
        """Construct text."""
        return NodeStr(self.construct_scalar(node), self._mark(node))

    def construct_list(self, node: yaml.Node) -> NodeList:
        """Construct a list."""
        if not isinstance(node, SequenceNode):
            raise self._error("expected a list", node)
        items = [self.construct_object(item, deep=True) for item in node.value]
        return NodeList(items, self._mark(node), [self._mark(item) for item in node.value])

    def construct_dict(self, node: yaml.Node) -> NodeDict:
        """Construct a dictionary; of a key that is there twice the last counts."""
        if not isinstance(node, MappingNode):
            raise self._error("expected a mapping", node)
        self._warn_of_duplicates(node)
        self.flatten_mapping(node)
        items: dict[Hashable, Node] = {}
        marks: dict[Hashable, Mark] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise self._error("expected a plain key", key_node)
            key = str(key) if isinstance(key, NodeStr) else key
            items[key] = self.construct_object(value_node, deep=True)
            marks[key] = self._mark(key_node, value_node.tag)
        return NodeDict(items, self._mark(node), marks)

    def construct_tag(self, node: yaml.Node) -> Node:
        """Construct what one of our tags stands for."""
        if not isinstance(node, ScalarNode):
            raise self._error(f"expected text after {node.tag}", node)
        return self._around.resolve(node.tag, node.value, self._mark(node))

    def refuse(self, node: yaml.Node) -> None:
        """Refuse a tag that is not known, or that stands for something else than plain data."""
        tag = node.tag.replace(_CORE, "!!")
        raise self._error(f"unknown tag {tag!r:.60}", node)

    def _mark(self, thing: Event | yaml.Node, tag: str | None = None) -> Mark:
        tag = tag or getattr(thing, "tag", None)
        return Mark(self._file, _start(thing).line + 1, tag in SECRET_TAGS)

    def _error(self, problem: str, thing: Event | yaml.Node) -> ConstructorError:
        return ConstructorError(None, None, problem, _start(thing))

    def _tally(self, node_count: int, mark: Mark) -> None:
        self._count += node_count
        self._around.count(node_count, mark)

    def _warn_of_duplicates(self, node: MappingNode) -> None:
        seen: dict[tuple[str, str], int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, ScalarNode) or key_node.tag == f"{_CORE}merge":
                continue
            name, mark = (key_node.tag, key_node.value), self._mark(key_node)
            if name in seen:
                message = f"this key is there twice, the one in line {seen[name]} does not count"
                self._around.warn(mark, key_node.value, message)
            seen[name] = mark.line


def _start(thing: Event | yaml.Node) -> yaml.Mark:
    start: yaml.Mark = thing.start_mark  # type: ignore[assignment]  # libyaml's has the same fields
    return start


Builder.yaml_constructors = {
    **SafeConstructor.yaml_constructors,
    **{f"{_CORE}{name}": Builder.refuse for name in ("binary", "omap", "pairs", "set")},
    **dict.fromkeys(INCLUDE_TAGS | SECRET_TAGS, Builder.construct_tag),
    f"{_CORE}str": Builder.construct_text,
    f"{_CORE}seq": Builder.construct_list,
    f"{_CORE}map": Builder.construct_dict,
    None: Builder.refuse,
}

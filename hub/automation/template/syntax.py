"""The syntax tree of a template, changed so that all it does is counted."""

from typing import Any

from jinja2 import TemplateAssertionError, nodes
from jinja2.visitor import NodeTransformer

from hub.automation.template.limits import MAX_NODES
from hub.errors import TemplateError

# Names no template can write.
TICK = "#tick"
CONCATENATE = "#concatenate"
MADE = "#made"
_HIDDEN = frozenset({TICK, CONCATENATE, MADE})


class Counting(NodeTransformer):
    """Puts a counter into each loop, and around texts, lists and mappings as they are made."""

    def __init__(self, filters: frozenset[str], tests: frozenset[str]) -> None:
        self._filters = filters
        self._tests = tests
        self._count = 0

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - inherited
        """Change one node and those below it.

        Raises:
            TemplateError: There are too many.
        """
        self._count += 1
        if self._count > MAX_NODES:
            raise TemplateError(f"the template has more than {MAX_NODES} parts")
        return super().visit(node, *args, **kwargs)

    def visit_For(self, node: nodes.For) -> Any:  # noqa: N802, ANN401 - jinja's name
        """Count each turn, and each item that the loop's own condition looks at."""
        node = self._below(node)
        node.body.insert(0, nodes.ExprStmt(_hidden(nodes.Const(True), TICK), lineno=node.lineno))
        if node.test is not None:
            node.test = nodes.And(_hidden(nodes.Const(True), TICK), node.test, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> Any:  # noqa: N802, ANN401
        """Count the length of ``a ~ b``."""
        node = self._below(node)
        return _hidden(nodes.List(node.nodes, lineno=node.lineno), CONCATENATE)

    def visit_List(self, node: nodes.List) -> Any:  # noqa: N802, ANN401
        """Count what a list holds, unless it is written out."""
        return self._made(node, node.items)

    def visit_Tuple(self, node: nodes.Tuple) -> Any:  # noqa: N802, ANN401
        """Count what a tuple holds, unless it is written out or the target of an assignment."""
        return self._below(node) if node.ctx != "load" else self._made(node, node.items)

    def visit_Dict(self, node: nodes.Dict) -> Any:  # noqa: N802, ANN401
        """Count what a mapping holds, unless it is written out."""
        return self._made(node, [part for pair in node.items for part in (pair.key, pair.value)])

    def visit_Filter(self, node: nodes.Filter) -> Any:  # noqa: N802, ANN401
        """Refuse an unknown filter, and those of the engine's own."""
        if node.name not in self._filters:
            raise TemplateAssertionError(f"No filter named {node.name!r}.", node.lineno)
        return self._below(node)

    def visit_Test(self, node: nodes.Test) -> Any:  # noqa: N802, ANN401
        """Refuse an unknown test."""
        if node.name not in self._tests:
            raise TemplateAssertionError(f"No test named {node.name!r}.", node.lineno)
        return self._below(node)

    def _made(self, node: Any, parts: list[nodes.Expr]) -> Any:  # noqa: ANN401
        is_written_out = all(isinstance(part, nodes.Const) for part in parts)
        node = self._below(node)
        return node if is_written_out else _hidden(node, MADE)

    def _below(self, node: Any) -> Any:  # noqa: ANN401 - the same kind comes back
        return self.generic_visit(node)


def _hidden(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def is_template(text: str) -> bool:
    """Tell whether *text* has anything to render."""
    return "{" in text and ("{{" in text or "{%" in text or "{#" in text)

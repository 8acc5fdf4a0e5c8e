"""Values with templates anywhere inside, as ``data:`` and ``variables:`` hold them."""

from collections.abc import Callable, Mapping
from typing import Any

from hub.automation.template.engine import Templates

Render = Callable[[Mapping[str, Any]], Any]
MAX_DEPTH = 50


class Value:
    """A value; its templates, keys included, are rendered anew for each use."""

    __slots__ = ("_fixed", "_render", "is_fixed")

    def __init__(self, node: object, templates: Templates) -> None:
        """Prepare *node*.

        Raises:
            TemplateError: A template's syntax is wrong.
            ValueError: It is nested too deeply.
        """
        self._fixed, self._render = _prepare(node, templates, MAX_DEPTH)
        self.is_fixed = self._render is None

    def render(self, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 - data is anything
        """Return the value; a fixed one is the same object each time.

        Raises:
            TemplateError: A template can't be rendered.
        """
        return self._fixed if self._render is None else self._render(variables)


def _prepare(node: object, templates: Templates, depth: int) -> tuple[Any, Render | None]:
    if depth == 0:
        raise ValueError(f"nested more than {MAX_DEPTH} deep")
    if isinstance(node, str):
        text = str(node)
        template = templates.template(text)
        return (text, None) if template.is_static else (None, template.render)
    if isinstance(node, Mapping):
        return _prepare_mapping(node, templates, depth)
    if isinstance(node, list | tuple):
        return _prepare_list(node, templates, depth)
    return node, None


def _prepare_mapping(
    node: Mapping[Any, Any], templates: Templates, depth: int
) -> tuple[Any, Render | None]:
    pairs = [
        (_prepare(k, templates, depth - 1), _prepare(v, templates, depth - 1))
        for k, v in node.items()
    ]
    if all(key[1] is None and value[1] is None for key, value in pairs):
        return {key[0]: value[0] for key, value in pairs}, None

    def render(variables: Mapping[str, Any]) -> dict[Any, Any]:
        return {
            (fixed_key if make_key is None else _key(make_key(variables))): (
                fixed if make is None else make(variables)
            )
            for (fixed_key, make_key), (fixed, make) in pairs
        }

    return None, render


def _key(value: object) -> Any:  # noqa: ANN401 - whatever hashes
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _prepare_list(
    node: list[Any] | tuple[Any, ...], templates: Templates, depth: int
) -> tuple[Any, Render | None]:
    items: list[tuple[Any, Render | None]] = [_prepare(i, templates, depth - 1) for i in node]
    if all(make is None for _, make in items):
        return [fixed for fixed, _ in items], None

    def render(variables: Mapping[str, Any]) -> list[Any]:
        return [fixed if make is None else make(variables) for fixed, make in items]

    return None, render

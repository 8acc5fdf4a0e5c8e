"""Reading an automation's mappings: every key is asked for once, and what is left is an error."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from hub.automation.periods import Period, parse_period
from hub.automation.template.engine import Template, Templates
from hub.automation.template.syntax import is_template
from hub.automation.values import Value
from hub.config.nodes import Mark, child_mark, mark_of
from hub.errors import ConfigError, TemplateError
from hub.ids import is_entity_id

_REQUIRED: Any = object()
_SHOWN = 60


class Section:
    """One mapping, and where it stands. Errors name file, line and key."""

    def __init__(self, node: object, path: str, mark: Mark, templates: Templates) -> None:
        """Begin to read *node*.

        Raises:
            ConfigError: It is no mapping.
        """
        self.path = path
        self.mark = mark_of(node, mark)
        self.templates = templates
        if not isinstance(node, Mapping):
            self.fail(f"expected a mapping, got {shown(node, self.mark)}")
        self.node: Mapping[Any, Any] = node
        self._left = dict.fromkeys(node)

    def fail(self, problem: str, key: object = None) -> NoReturn:
        """Raise an error that points at *key*, or at the mapping."""
        mark = self.mark if key is None else self.mark_at(key)
        path = self.path if key is None else f"{self.path}.{key}"
        raise ConfigError(mark.file, mark.line or None, path, problem)

    def mark_at(self, key: Any) -> Mark:  # noqa: ANN401 - keys are hashable, no more is known
        """Return where *key* stands."""
        return child_mark(self.node, key, self.mark)

    def has(self, key: str) -> bool:
        """Tell whether *key* is there and was not read yet."""
        return key in self._left

    def take(self, key: str, default: Any = _REQUIRED) -> Any:  # noqa: ANN401 - any node
        """Return what stands under *key*."""
        if key not in self.node:
            if default is _REQUIRED:
                self.fail(f"{key} is missing")
            return default
        self._left.pop(key, None)
        return self.node[key]

    def either(self, new: str, old: str, default: Any = _REQUIRED) -> tuple[str, Any]:  # noqa: ANN401
        """Return what stands under the new or the old spelling of a key, and which it was."""
        if new in self.node and old in self.node:
            self.fail(f"expected {new} or {old}, got both", old)
        return (old, self.take(old)) if old in self.node else (new, self.take(new, default))

    def text(self, key: str, default: Any = _REQUIRED) -> Any:  # noqa: ANN401 - str, or the default
        """Return a text; numbers are made one."""
        value = self.take(key, default)
        if value is default:
            return value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.fail(f"expected text, got {self._shown(key)}", key)
        return str(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            self.fail(f"expected true or false, got {self._shown(key)}", key)
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: Any = _REQUIRED) -> str:  # noqa: ANN401
        """Return one of certain words."""
        value = self.take(key, default)
        if value not in choices:
            self.fail(f"expected {', '.join(choices)}, got {self._shown(key)}", key)
        return str(value)

    def items(self, key: str, default: Any = _REQUIRED) -> list[Any]:  # noqa: ANN401
        """Return a list; a single item is one."""
        value = self.take(key, default)
        if value is None:
            return []
        return list(value) if isinstance(value, list | tuple) else [value]

    def texts(self, key: str, default: Any = _REQUIRED) -> list[str]:  # noqa: ANN401
        """Return a list of texts; a single one may hold several, with commas."""
        found: list[str] = []
        for item in self.items(key, default):
            if isinstance(item, bool) or not isinstance(item, str | int | float):
                self.fail(f"expected text or a list of texts, got {self._shown(key)}", key)
            found.extend(part.strip() for part in str(item).split(","))
        return found

    def entities(self, key: str = "entity_id", default: Any = _REQUIRED) -> tuple[str, ...]:  # noqa: ANN401
        """Return entity ids, in small letters."""
        found = tuple(text.lower() for text in self.texts(key, default))
        for entity_id in found:
            if not is_entity_id(entity_id):
                self.fail(f"expected an entity id such as sensor.cold_store, got {entity_id}", key)
        if not found and default is _REQUIRED:
            self.fail("expected an entity id, got nothing", key)
        return found

    def template(self, key: str, default: Any = _REQUIRED) -> Any:  # noqa: ANN401 - Template, or default
        """Return a template; plain values are one that always prints them."""
        value = self.take(key, default)
        if value is default:
            return value
        if isinstance(value, Mapping | list) or value is None:
            self.fail(f"expected a template, got {self._shown(key)}", key)
        return self.compiled(str(value), key)

    def compiled(self, source: str, key: object = None) -> Template:
        """Check a template's syntax."""
        try:
            return self.templates.template(source)
        except TemplateError as err:
            self.fail(f"the template is wrong: {err}", key)

    def value(self, key: str, default: Any = _REQUIRED) -> Value:  # noqa: ANN401
        """Return a value with templates anywhere inside."""
        node = self.take(key, default)
        try:
            return Value(node, self.templates)
        except TemplateError as err:
            self.fail(f"a template is wrong: {err}", key)
        except ValueError as err:
            self.fail(f"expected simple data, {err}", key)

    def mapping(self, key: str) -> Mapping[str, Value]:
        """Return a mapping of names to values with templates; absent or empty is an empty one."""
        node = self.take(key, None)
        if node is None:
            return {}
        inner = Section(node, f"{self.path}.{key}", self.mark_at(key), self.templates)
        return {str(name): inner.value(name) for name in inner.node}

    def period(self, key: str) -> Period | None:
        """Return a length of time, or None if the key is not there."""
        if key not in self.node:
            return None
        node = self.take(key)
        if isinstance(node, str) and is_template(node):
            return Period(None, template=self.compiled(str(node), key))
        if isinstance(node, Mapping) and any(isinstance(v, str) for v in node.values()):
            parts = {
                str(name): self.compiled(str(part), key) if isinstance(part, str) else part
                for name, part in node.items()
            }
            return Period(None, parts=parts)
        try:
            length = parse_period(node)
        except ValueError as err:
            self.fail(str(err), key)
        if length.total_seconds() < 0:
            self.fail(f"expected a time that is not negative, got {self._shown(key)}", key)
        return Period(length)

    def enabled(self) -> bool:
        """Return whether the item counts; a template may decide, without looking at states."""
        node = self.take("enabled", True)
        if isinstance(node, bool):
            return node
        if not isinstance(node, str):
            self.fail(
                f"expected true, false or a template, got {self._shown('enabled')}", "enabled"
            )
        template = self.compiled(str(node), "enabled")
        try:
            return _is_on(template.render(limited=True))
        except TemplateError as err:
            self.fail(str(err), "enabled")

    def inner(self, node: object, path: str, key: object = None) -> "Section":
        """Begin to read a mapping inside this one."""
        mark = self.mark if key is None else self.mark_at(key)
        return Section(node, path, mark, self.templates)

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self._left:
            known = ", ".join(sorted(str(k) for k in self.node if k not in self._left))
            self.fail(f"key not known here; known and used: {known or 'none'}", key)

    def _shown(self, key: str) -> str:
        return shown(self.node.get(key), self.mark_at(key))


def _is_on(value: object) -> bool:
    return value is True or (isinstance(value, int | float) and value != 0) or value in _ON


_ON = ("true", "yes", "on", "enable")
Parse = Callable[[Section], Any]


def shown(value: object, mark: Mark) -> str:
    """Show a wrong value in an error, short, and not at all if it is a secret."""
    if mark.is_secret or mark_of(value, mark).is_secret:
        return "a secret"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."

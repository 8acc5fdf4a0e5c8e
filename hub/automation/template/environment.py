"""Jinja's sandbox with Home Assistant's names, in which every operation has a limit."""

import functools
import logging
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import Undefined, UndefinedError, nodes, pass_context
from jinja2.environment import Template as JinjaTemplate
from jinja2.ext import LoopControlExtension
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import generate_lorem_ipsum, missing

from hub.automation.template import groupings, guards, numbers, states, texts, times
from hub.automation.template.filters import counted_filters
from hub.automation.template.rendering import Rendering
from hub.automation.template.syntax import CONCATENATE, MADE, TICK, Counting
from hub.state import State

log = logging.getLogger(__name__)

_MOST_PARAGRAPHS = 20


class LoggingUndefined(Undefined):
    """Prints nothing where a name is missing, and says so in the log, once for each message."""

    __slots__ = ()

    def __str__(self) -> str:
        _warn(self._undefined_message)
        return ""


@functools.lru_cache(maxsize=1000)
def _warn(message: str) -> None:
    log.warning("template prints nothing: %s", message[:200])


class FailingUndefined(Undefined):
    """Fails where a name is missing and used, for the template editor."""

    __slots__ = ()

    def __str__(self) -> str:
        raise UndefinedError(self._undefined_message)

    __iter__ = __len__ = __bool__ = __str__  # type: ignore[assignment]


class Variables(Context):
    """The names of one render: its variables first, then the engine's functions.

    Jinja would copy all functions into a dictionary for each render.
    """

    def resolve_or_missing(self, key: str) -> Any:  # noqa: ANN401 - any value
        """Find a name, or return jinja's ``missing``."""
        own = self.vars
        if key in own:
            return own[key]
        value = self.parent.get(key, missing)
        return self.environment.globals.get(key, missing) if value is missing else value


class Sandbox(ImmutableSandboxedEnvironment):
    """The one environment of an engine."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    context_class = Variables

    def __init__(self, rendering: Rendering, functions: Mapping[str, Callable[..., Any]]) -> None:
        # Folding constants would run filters while compiling, outside any budget.
        super().__init__(
            extensions=[LoopControlExtension],
            undefined=LoggingUndefined,
            finalize=self._finalize,
            optimized=False,
            cache_size=0,
        )
        self.rendering = rendering
        self.budget = rendering.budget
        self.concat = self._concatenate  # type: ignore[method-assign]
        self._fill(functions)
        self.known_filters = frozenset(self.filters)
        self.known_tests = frozenset(self.tests)
        self.filters[TICK] = self._tick
        self.filters[CONCATENATE] = self._text_of
        self.filters[MADE] = self._made

    def _fill(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        rendering = self.rendering
        of_states = states.StateFunctions(rendering).names()
        of_times = times.Times(rendering)
        of_groups = groupings.Groupings(rendering.budget)
        patterns = texts.Patterns(rendering.budget).names()
        self.globals.update(
            **numbers.GLOBALS,
            **texts.GLOBALS,
            **times.GLOBALS,
            **of_states,
            **of_times.both(),
            **of_times.clock_names(),
            **of_groups.names(),
            lipsum=_lipsum,
            states=states.AllStates(rendering),
        )
        self.globals.update(functions)
        self.filters.update(counted_filters(rendering.budget))
        self.filters.update(
            **numbers.FILTERS,
            **texts.FILTERS,
            **of_states,
            **of_times.both(),
            **of_times.filters(),
            **of_groups.both(),
            **patterns,
            states=self.globals["states"],
        )
        for name in ("relative_time", "time_since", "time_until", "today_at"):
            self.filters[name] = self.globals[name]
        for module in (numbers, texts, times, groupings):
            self.tests.update(module.TESTS)
        for name in ("has_value", "is_state", "is_state_attr"):
            self.tests[name] = of_states[name]
        self.tests["match"] = patterns["regex_match"]
        self.tests["search"] = patterns["regex_search"]

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        # The transformer itself has no types.
        changed: nodes.Template = Counting(self.known_filters, self.known_tests).visit(tree)
        return changed

    def prepare(self, source: str) -> JinjaTemplate:
        """Compile a template."""
        return self.from_string(source)

    # -- what compiled templates call --------------------------------------------------------------

    def _tick(self, value: bool) -> bool:
        self.budget.step()
        return value

    def _text_of(self, values: list[Any]) -> str:
        parts = [value if isinstance(value, str) else self._plain(value) for value in values]
        self.budget.grow(sum(map(len, parts)))
        return "".join(parts)

    def _plain(self, value: object) -> str:
        if not isinstance(value, int | float):
            self.budget.hold(value)
        return str(value)

    def _made(self, value: Any) -> Any:  # noqa: ANN401 - the same list or mapping
        self.budget.hold(value)
        return value

    def _concatenate(self, parts: Iterable[str]) -> str:
        texts_ = list(parts)
        self.budget.grow(sum(map(len, texts_)))
        return "".join(texts_)

    @pass_context
    def _finalize(self, context: Context, value: Any) -> Any:  # noqa: ANN401
        # Jinja makes text of what this returns: anything that holds other values is measured.
        if isinstance(value, str):
            self.budget.grow(len(value))
        elif isinstance(value, list | tuple | dict | set | Mapping):
            self.budget.hold(value)
        return value

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Run an operator that can make much out of little, if the result is small enough."""
        if operator == "+":
            guards.check_sum(self.budget, left, right)
        elif operator == "*":
            guards.check_product(self.budget, left, right)
        elif operator == "**":
            guards.check_power(left, right)
        else:
            guards.check_percent(self.budget, left, right)
        return self.binop_table[operator](left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401
        """Look up ``obj.attribute``; the values templates meet most take a short way."""
        kind = obj.__class__
        if kind is dict:
            if attribute in obj and attribute not in _METHODS_OF_DICT:
                return obj[attribute]
        elif kind in _OPEN and not attribute.startswith("_") and attribute in kind.__dict__:
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Call a function for a template."""
        self.budget.step()
        kind = type(obj)
        if kind is states.AllStates or (
            kind is types.FunctionType and not hasattr(obj, "jinja_pass_arg")
        ):
            if kwargs:  # jinja's own, for functions that take its context
                kwargs.pop("_loop_vars", None)
                kwargs.pop("_block_vars", None)
            return obj(*args, **kwargs)
        if kind is types.BuiltinMethodType:
            args = guards.check_method(self.budget, obj, args, kwargs)
        return super().call(context, obj, *args, **kwargs)

    def is_safe_callable(self, obj: Any) -> bool:  # noqa: ANN401
        """Tell whether a template may call *obj*; all it can reach may be called."""
        # The inherited check reads two attributes, which are domains to ``states``.
        return isinstance(obj, states.AllStates) or super().is_safe_callable(obj)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:  # noqa: ANN401
        """Return a bounded ``str.format`` or ``str.format_map``, or None for all else."""
        if not isinstance(value, types.BuiltinMethodType) or value.__name__ not in _FORMATS:
            return None
        text = value.__self__
        if not isinstance(text, str):
            return None
        formatter = guards.BoundedFormatter(self, self.budget)
        is_map = value.__name__ == "format_map"

        def bounded(*args: Any, **kwargs: Any) -> str:  # noqa: ANN401 - str.format's own signature
            if is_map:
                if len(args) != 1 or kwargs:
                    raise TypeError("format_map() takes exactly one argument")
                return formatter.vformat(text, (), args[0])
            return formatter.vformat(text, args, kwargs)

        return bounded


_FORMATS = ("format", "format_map")
_METHODS_OF_DICT = frozenset(dir(dict))
# Classes of the hub's own that hold nothing a template may not see.
_OPEN = (State, states.TemplateState)


def _lipsum(n: int = 5, html: bool = False, min: int = 20, max: int = 100) -> str:  # noqa: A002
    return generate_lorem_ipsum(
        n=_at_most(n), html=html, min=_at_most(min, 200), max=_at_most(max, 200)
    )


def _at_most(number: int, limit: int = _MOST_PARAGRAPHS) -> int:
    return min(limit, number)

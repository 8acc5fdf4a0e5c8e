"""Templates ready to render: one engine, one compilation per distinct source."""

import datetime as dt
import struct
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

import jinja2
import msgspec
import regex  # type: ignore[import-untyped]  # has no types of its own
from awesomeversion.exceptions import AwesomeVersionException
from jinja2.runtime import Context

from hub.automation.template.environment import FailingUndefined, Sandbox, Variables
from hub.automation.template.limits import MAX_OUTPUT, MAX_SOURCE, MAX_TOKENS
from hub.automation.template.native import native, truth
from hub.automation.template.rendering import Rendering
from hub.automation.template.syntax import is_template
from hub.automation.template.tracking import Dependencies
from hub.clock import Clock
from hub.errors import HubError, TemplateError
from hub.states import States

# All that Python's own operations raise on values they don't like: a template is a stranger's
# program, and any of them is its author's mistake.
FAULTS = (
    jinja2.TemplateError,
    HubError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    AwesomeVersionException,
    BufferError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    StopIteration,
    SyntaxError,
    TypeError,
    ValueError,
    msgspec.MsgspecError,
    regex.error,
    struct.error,
)
_NOTHING: Mapping[str, Any] = {}
_RECENT = 128
_LONG = 4096


class Template:
    """One source. It is compiled when it is first rendered."""

    __slots__ = ("__weakref__", "_compiled", "_engine", "is_static", "source")

    def __init__(self, engine: "Templates", source: str) -> None:
        self._engine = engine
        self._compiled: Callable[[Context], Any] | None = None
        self.source = source
        self.is_static = not is_template(source)

    def text(
        self,
        variables: Mapping[str, Any] = _NOTHING,
        *,
        limited: bool = False,
        track: Dependencies | None = None,
    ) -> str:
        """Render to text, stripped. ``limited`` templates see no states and no clock.

        Raises:
            TemplateError: It can't be rendered, or a limit was reached.
        """
        if self.is_static:
            return self.source.strip()
        compiled = self._compiled
        try:
            if compiled is None:
                compiled = self._compiled = self._engine.compile(self.source)
            return self._engine.run(compiled, variables, limited, track)
        except FAULTS as err:
            raise self._explained(err) from err

    def render(
        self,
        variables: Mapping[str, Any] = _NOTHING,
        *,
        limited: bool = False,
        track: Dependencies | None = None,
    ) -> Any:  # noqa: ANN401 - a template can mean anything
        """Render to a value: numbers, booleans, lists, … where the text looks like one.

        Raises:
            TemplateError: It can't be rendered, or a limit was reached.
        """
        return native(self.text(variables, limited=limited, track=track))

    def is_true(self, variables: Mapping[str, Any] = _NOTHING) -> bool:
        """Render and tell whether the result counts as true.

        Raises:
            TemplateError: It can't be rendered, or a limit was reached.
        """
        return truth(self.render(variables))

    def _explained(self, err: BaseException) -> TemplateError:
        if isinstance(err, TemplateError):
            problem = str(err)
        elif isinstance(err, RecursionError):
            problem = "it calls itself too deeply"
        else:
            problem = f"{type(err).__name__}: {str(err)[:300]}"
        short = self.source if len(self.source) <= 80 else f"{self.source[:77]}..."
        return TemplateError(f"{problem}, in template {short!r}")

    def __repr__(self) -> str:
        return f"Template({self.source!r})"


class Templates:
    """The engine: makes templates and renders them.

    ``functions`` are further names for templates, from plugins and the registries.
    ``compile_count`` tells how often a source was compiled.
    """

    def __init__(
        self,
        *,
        states: States,
        clock: Clock,
        time_zone: dt.tzinfo = dt.UTC,
        functions: Mapping[str, Callable[..., Any]] = _NOTHING,
    ) -> None:
        self._rendering = Rendering(states, clock, time_zone)
        self._sandbox = Sandbox(self._rendering, functions)
        self._by_source: WeakValueDictionary[str, Template] = WeakValueDictionary()
        # What is rendered again and again by hand, such as the editor's text, is kept a while.
        self._recent: dict[str, Template] = {}
        self.compile_count = 0

    @property
    def time_zone(self) -> dt.tzinfo:
        """The hub's time zone."""
        return self._rendering.time_zone

    def template(self, source: str) -> Template:
        """Return the template of *source*, checked but not yet compiled.

        Raises:
            TemplateError: It is too long, or its syntax is wrong.
        """
        known = self._by_source.get(source)
        if known is not None:
            return known
        template = Template(self, source)
        if not template.is_static:
            self.check(source)
        self._by_source[source] = template
        return template

    def check(self, source: str) -> None:
        """Check the syntax of a template.

        Raises:
            TemplateError: It is too long, or its syntax is wrong.
        """
        if len(source) > MAX_SOURCE:
            raise TemplateError(f"the template has {len(source)} characters, over {MAX_SOURCE}")
        try:
            if len(source) > _LONG:
                self._count_tokens(source)
            self._sandbox.parse(source)
        except jinja2.TemplateSyntaxError as err:
            raise TemplateError(f"line {err.lineno}: {err.message}") from err
        except TemplateError:
            raise
        except FAULTS as err:
            raise TemplateError(f"{type(err).__name__}: {str(err)[:200]}") from err

    def _count_tokens(self, source: str) -> None:
        for count, _ in enumerate(self._sandbox.lexer.tokeniter(source, None)):
            if count > MAX_TOKENS:
                raise TemplateError(f"the template has more than {MAX_TOKENS} words and signs")

    def evaluate(
        self, source: str, variables: Mapping[str, Any] = _NOTHING, *, strict: bool = False
    ) -> str:
        """Render a text that somebody typed; ``strict`` fails on undefined names.

        Raises:
            TemplateError: It can't be rendered, or a limit was reached.
        """
        template = self._recent.pop(source, None) or self.template(source)
        self._recent[source] = template
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]
        sandbox = self._sandbox
        lenient = sandbox.undefined
        if strict:
            sandbox.undefined = FailingUndefined
        try:
            return template.text(variables)
        finally:
            sandbox.undefined = lenient

    # -- for Template ------------------------------------------------------------------------------

    def compile(self, source: str) -> Callable[[Context], Any]:
        """Compile a source; called once for each."""
        if len(source) > MAX_SOURCE:
            raise TemplateError(f"the template has {len(source)} characters, over {MAX_SOURCE}")
        self.compile_count += 1
        compiled = self._sandbox.prepare(source)
        blocks, root = compiled.blocks, compiled.root_render_func
        if not blocks:
            return root
        return lambda context: _with_blocks(root, blocks, context)

    def run(
        self,
        compiled: Callable[[Context], Any],
        variables: Mapping[str, Any],
        limited: bool,
        track: Dependencies | None,
    ) -> str:
        """Render a compiled template within its budget."""
        rendering, sandbox = self._rendering, self._sandbox
        before = rendering.dependencies, rendering.is_limited
        rendering.dependencies, rendering.is_limited = track, limited
        rendering.budget.restart()
        context = Variables(sandbox, variables, None, _NO_BLOCKS)  # type: ignore[arg-type]
        size = 0
        parts: list[str] = []
        try:
            for part in compiled(context):
                size += len(part)
                if size > MAX_OUTPUT:
                    msg = f"Template output exceeded maximum size of {MAX_OUTPUT} characters"
                    raise TemplateError(msg)
                parts.append(part)
        finally:
            rendering.dependencies, rendering.is_limited = before
        return (parts[0] if len(parts) == 1 else "".join(parts)).strip()


_NO_BLOCKS: dict[str, Callable[[Context], Any]] = {}


def _with_blocks(
    root: Callable[[Context], Any], blocks: Mapping[str, Any], context: Context
) -> Any:  # noqa: ANN401 - a generator of texts
    context.blocks = {name: [block] for name, block in blocks.items()}
    return root(context)

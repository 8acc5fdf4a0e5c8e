"""Tables that are made from the code; cog writes them into the pages."""

import ast
import asyncio
import datetime as dt
import inspect
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_type_hints

import attrs

import hub
from hub import events, hookspecs
from hub.app import App
from hub.config import load
from hub.config.nodes import NOWHERE
from hub.config.places import Place
from hub.config.schema import ListOf, Maybe, Section, shape_of
from hub.config.settings import Core


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Draw a Markdown table."""
    names = list(head)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n"


def sentence(thing: object) -> str:
    """Return the first paragraph of a docstring as one line, in Markdown."""
    return in_markdown((inspect.getdoc(thing) or "").split("\n\n")[0])


def in_markdown(text: str) -> str:
    """Return a paragraph of a docstring as one line of Markdown."""
    first = " ".join(text.split())
    return (
        re.sub(r"(?::\w+)+:`~?\.?([^`]+)`", r"`\1`", first).replace("``", "`").replace("|", "\\|")
    )


def event_table() -> str:
    """Return every event the hub publishes: name, class, fields and meaning."""
    rows = []
    for name, event in sorted(events.EVENT_TYPES.items()):
        fields = [f for f in event.__struct_fields__ if f not in {"context", "fired_us", "is_late"}]
        shown = ", ".join(f"`{f}`" for f in fields) or "none"
        rows.append([f"`{name}`", f"`{event.__name__}`", shown, sentence(event)])
    return table(["name", "class", "fields", "when"], rows)


# What has no docstring of its own that Sphinx could read.
PLAIN = {
    "API": "The version of this promise: `(major, minor)`.",
    "UTC": "The time zone in which the hub keeps every moment.",
    "Value": "What a reading can hold: `int`, `float`, `bool`, `str`, `list`, `dict` or `None`. "
    "`None` is a gap: the device said that there is no value.",
    "hookimpl": "Marks a function of a plugin as its part of the hook of the same name.",
}


def names(*chosen: str) -> str:
    """Return a heading and the reference of each of these names of the public door."""
    parts = []
    for name in chosen:
        thing = getattr(hub, name)
        if inspect.isclass(thing):
            directive = f".. autoclass:: hub.{name}"
        elif inspect.isfunction(thing):
            directive = f".. autofunction:: hub.{name}"
        elif inspect.ismodule(thing):
            directive = f".. automodule:: hub.{name}\n   :no-members:"
        else:
            directive = ""
        block = f"```{{eval-rst}}\n{directive}\n```\n" if directive else f"{PLAIN[name]}\n"
        parts.append(f"### `{name}`\n\n{block}")
    return "\n" + "\n".join(parts) + "\n"


def hook_table() -> str:
    """Return every hook with what it returns."""
    rows = []
    for name, hook in vars(hookspecs).items():
        if hasattr(hook, "hub_spec"):
            anchor = "-".join([name.replace("_", "-"), *inspect.signature(hook).parameters])
            rows.append([f"[`{name}`](#{anchor})", sentence(hook)])
    return table(["hook", "what it is for"], rows)


def error_tree() -> str:
    """Return the drawing of all errors."""
    match = re.search(r"```\n(.*?)```", hub.errors.__doc__ or "", re.DOTALL)
    return f"\n```text\n{match[1] if match else ''}```\n\n"


def settings_table(cls: type = Core) -> str:
    """Return every key of a section with what is expected there and its default."""
    return table(["key", "expected", "default"], _settings(cls, ""))


def _settings(cls: type, above: str) -> Iterator[list[str]]:
    hints = get_type_hints(cls, include_extras=True)
    for attribute in attrs.fields(cls):
        shape = shape_of(hints[attribute.name])
        name = above + attribute.name.rstrip("_")
        inner = shape.shape if isinstance(shape, Maybe) else shape
        if isinstance(inner, Section):
            if isinstance(shape, Maybe):
                yield [f"`{name}`", "a mapping, or nothing", "nothing"]
            yield from _settings(inner.cls, f"{name}.")
        elif isinstance(inner, ListOf) and isinstance(inner.item, Section):
            yield [f"`{name}`", "a list", "empty"]
            yield from _settings(inner.item.cls, f"{name}[].")
        else:
            yield [f"`{name}`", expectation(inner), default_of(attribute)]


def expectation(shape: object) -> str:
    """Return what a shape says it expects, from the error it gives for what fits nowhere."""
    errors: list[hub.ConfigError] = []
    shape.read(object(), Place("", NOWHERE, errors, None))  # type: ignore[attr-defined]
    if not errors:
        return "anything"
    match = re.match(r"expected (.*?)(?:, got .*)?$", errors[0].problem)
    return match[1] if match else errors[0].problem


def default_of(attribute: "attrs.Attribute[object]") -> str:
    """Return a default as one would write it in YAML."""
    default = attribute.default
    if default is attrs.NOTHING:
        return "required"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = default.factory()
    if default is None:
        return "nothing"
    if isinstance(default, list | tuple | dict) and not default:
        return "empty"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if attribute.name.endswith("bytes") and isinstance(default, int):
        return f"`{default >> 30}GiB`"
    return f"`{default}`"


def metrics_table() -> str:
    """Return every metric that a hub without any plugin's own counters shows."""
    with tempfile.TemporaryDirectory() as name:
        text = asyncio.run(_metrics(Path(name)))
    rows = []
    for metric, meaning, kind, rest in re.findall(
        r"# HELP (\S+) (.*)\n# TYPE \S+ (\w+)\n((?:[^#].*\n)*)", text
    ):
        labels = re.findall(r'(\w+)="', rest.split("\n")[0]) or _LABELS.get(metric, [])
        shown = ", ".join(f"`{label}`" for label in labels) or "none"
        rows.append([f"`{metric}`", kind, shown, meaning])
    return table(["name", "kind", "labels", "meaning"], sorted(rows))


# These have no sample as long as nothing has happened.
_LABELS = {
    "fieldhub_http_requests_total": ["owner", "status"],
    "fieldhub_plugin_counts_total": ["plugin", "counter"],
}


async def _metrics(folder: Path) -> str:
    (folder / "hub.yaml").write_text("http: {port: 0}\n", encoding="utf-8")
    app = App(folder, load(folder))
    await app.open()
    try:
        await app.start()
        found = app.routes.resolve("GET", "/api/hub/metrics")
        request = hub.Request(
            method="GET", path="", headers={}, received=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        )
        reply = await found.bound.route.handler(request)  # type: ignore[union-attr]
        return reply.body.decode()
    finally:
        await app.stop()


def fixture_table() -> str:
    """Return every fixture of the test kit."""
    path = Path(hub.__file__).parent / "testing" / "fixtures.py"
    rows = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            "fixture" in ast.unparse(decorator) for decorator in node.decorator_list
        ):
            doc = (ast.get_docstring(node) or "").split("\n\n")[0]
            rows.append([f"`{node.name}`", in_markdown(doc)])
    return table(["fixture", "what it is"], rows)

"""The page about the command line, made from the command line itself."""

import enum
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

_KINDS = {int: "NUMBER", float: "NUMBER", Path: "PATH"}


def commands(app: typer.Typer, name: str = "hub") -> Iterator[tuple[list[str], Any]]:
    """Go through all commands, each with its path."""
    return _walk(get_command(app), [name])


def reference(app: typer.Typer, name: str = "hub") -> str:
    """Return a heading, the usage and every option of each command."""
    return "\n" + "\n".join(_sections(app, name)) + "\n"


def _walk(command: Any, path: list[str]) -> Iterator[tuple[list[str], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _walk(inner, [*path, name])


def _sections(app: typer.Typer, name: str) -> Iterator[str]:
    for path, command in commands(app, name):
        is_group = bool(getattr(command, "commands", None))
        if is_group and len(path) > 1:
            continue
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
        words = [*path, *(["[OPTIONS]"] if options else []), *map(_argument, arguments)]
        yield f"## `{' '.join(path)}`\n" if len(path) > 1 else "## Before every command\n"
        yield f"```text\n{' '.join(words)}{' COMMAND …' if is_group else ''}\n```\n"
        if len(path) > 1:
            yield f"{_text(command.help)}\n"
        if arguments or options:
            rows = [_row(parameter) for parameter in [*arguments, *options]]
            yield "\n".join(["| | |", "| --- | --- |", *rows, ""])


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name.upper()).strip("[].")
    many = "..." if parameter.nargs == -1 else ""
    return f"{name}{many}" if parameter.required else f"[{name}]{many}"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        shown = f"`{_argument(parameter)}`"
    else:
        names = ", ".join([*parameter.opts, *parameter.secondary_opts])
        shown = f"`{names}`" if parameter.is_flag else f"`{names} {_kind(parameter)}`"
    must = "Required." if parameter.required and parameter.param_type_name == "option" else ""
    return f"| {shown} | {f'{_text(parameter.help)} {must}'.strip()} |"


def _kind(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    annotation = parameter.type_descriptor.annotation
    for kind in (annotation, *typing.get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return "\\|".join(str(choice.value) for choice in kind)
        if kind in _KINDS:
            return _KINDS[kind]
    return "TEXT"


def _text(text: str | None) -> str:
    return " ".join((text or "").replace("|", "\\|").split())

"""``hub check``: every file of the configuration, without starting anything."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import typer
from attrs import frozen

from hub.actions import Actions
from hub.automation.engine import Automations
from hub.bus import Bus
from hub.cli.output import AsJson
from hub.cli.session import session_of
from hub.clock import SystemClock
from hub.config import Problem, Settings, load
from hub.config.settings import MAIN_FILE
from hub.errors import ConfigError, ConfigErrors, HubError, PluginError
from hub.loader import Loader
from hub.states import States
from hub.version import VERSION


@frozen
class Finding:
    """One thing that is wrong, or odd."""

    level: str
    file: str
    line: int | None
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        path = f"{self.path}: " if self.path else ""
        mark = " (warning)" if self.level == "warning" else ""
        return f"{place}: {path}{self.message}{mark}"


def check(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Validate every file; each problem as FILE:LINE: PATH: what was expected."""
    session = session_of(context)
    path = session.folder / MAIN_FILE
    if not path.exists():
        raise HubError(
            f"{path}: there is no such file; hub run makes one, --config names another folder"
        )
    findings = list(dict.fromkeys(_findings(session.folder)))
    error_count = sum(finding.level == "error" for finding in findings)
    if as_json:
        session.output.json([_plain(finding) for finding in findings])
    else:
        for finding in findings:
            session.output.line(str(finding))
        warning_count = len(findings) - error_count
        if findings:
            session.output.hint(f"{error_count} errors, {warning_count} warnings")
        else:
            session.output.hint(f"{session.folder}: everything is as it should be")
    if error_count:
        raise typer.Exit(1)


def _findings(folder: Path) -> Iterator[Finding]:
    try:
        settings = load(folder)
    except ConfigErrors as err:
        yield from map(_error, err.errors)
        return
    yield from map(_problem, settings.problems)
    yield from _of_plugins(settings)
    yield from map(_error, asyncio.run(_of_automations(settings)))


def _of_plugins(settings: Settings) -> Iterator[Finding]:
    loader = Loader(VERSION, disabled=settings.plugins.disabled)
    loader.discover()
    yield from map(_problem, settings.unclaimed(loader.plugins))
    for plugin in loader.plugins.values():
        if plugin.is_usable:
            try:
                section = loader.call(plugin, "register_config")
                if section is not None:
                    settings.section(plugin.name, section)
            except ConfigErrors as err:
                yield from map(_error, err.errors)
            except PluginError:  # said below
                pass
        if plugin.status == "failed":
            yield Finding("warning", f"plugin {plugin.name}", None, "", plugin.error or "failed")


async def _of_automations(settings: Settings) -> list[ConfigError]:
    bus, clock = Bus(), SystemClock()
    automations = Automations(
        bus=bus,
        states=States(bus, clock),
        actions=Actions(bus, clock),
        clock=clock,
        time_zone=settings.time_zone,
    )
    return automations.check(settings.automations, MAIN_FILE)


def _error(error: ConfigError) -> Finding:
    return Finding("error", error.file, error.line, error.path, error.problem)


def _problem(problem: Problem) -> Finding:
    return Finding(problem.level, problem.file, problem.line, problem.path, problem.message)


def _plain(finding: Finding) -> dict[str, object]:
    return {
        "level": finding.level,
        "file": finding.file,
        "line": finding.line,
        "path": finding.path,
        "message": finding.message,
    }

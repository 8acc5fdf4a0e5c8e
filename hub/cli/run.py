"""``hub run``."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from attrs import field, frozen

from hub.app import App
from hub.cli.demonstration import Demonstration
from hub.cli.logs import LEVELS, Logs, secrets_in
from hub.cli.opening import check_free, finish_restore, read_settings
from hub.cli.serving import serve
from hub.cli.session import session_of
from hub.cli.welcome import first_steps, is_loopback, opening_hint, own_url
from hub.config import Created, Settings, create_defaults
from hub.config.settings import MAIN_FILE
from hub.errors import HubError
from hub.storage.durable import replace_file

try:
    import uvloop

    new_loop: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
except ImportError:  # it is optional: a faster loop and nothing more
    new_loop = None


def run(
    context: typer.Context,
    *,
    simulate: Annotated[
        bool,
        typer.Option("--simulate", help="Send traffic of simulated gateways and show all of it."),
    ] = False,
    ready_file: Annotated[
        Path | None,
        typer.Option(help="Write the listeners' addresses to this file as JSON, once they accept."),
    ] = None,
    log_level: Annotated[
        list[str] | None,
        typer.Option(help="debug, info, warning or error; or LOGGER=LEVEL. May be repeated."),
    ] = None,
) -> None:
    """Start the hub; a first start makes its folder and prints what to do next."""
    session = session_of(context)
    level, loggers = parse_levels(log_level or [])
    finish_restore(session.folder)
    settings, created = _prepare(session.folder)
    if ready_file is not None:  # an old one would tell of a hub that is gone
        _remove(ready_file)
    logs = Logs(has_traces=session.is_debug)
    logs.set_levels(level or settings.log.level, {**settings.log.loggers, **loggers})
    logs.redact.add(secrets_in(settings.sections))
    start = _Start(created=created, ready_file=ready_file, is_simulating=simulate, logs=logs)
    app = App(session.folder, settings)
    is_closed = True
    try:
        with session.output.progress() as say, asyncio.Runner(loop_factory=new_loop) as runner:
            is_closed = runner.run(start.run(app, say))
            if not is_closed:
                # A thread hangs, and leaving the runner would wait for it.
                logs.close()
                sys.stdout.flush()
                os._exit(1)
    finally:
        logs.close()


def parse_levels(wanted: list[str]) -> tuple[str | None, dict[str, str]]:
    """Read what ``--log-level`` was given: the level of all, and those of loggers by name.

    Raises:
        typer.BadParameter: There is no such level.
    """
    level: str | None = None
    loggers: dict[str, str] = {}
    for text in wanted:
        name, _, value = text.rpartition("=")
        if value.lower() not in LEVELS:
            raise typer.BadParameter(
                f"{text!r}: expected {', '.join(LEVELS)}, or LOGGER=LEVEL", param_hint="--log-level"
            )
        if name:
            loggers[name] = value.lower()
        else:
            level = value.lower()
    return level, loggers


def _prepare(folder: Path) -> tuple[Settings, Created | None]:
    """Look at everything that could be in the way, before anything on disk changes."""
    is_first = not (folder / MAIN_FILE).exists()
    # Without the file these are the defaults, which are what it is going to say.
    settings = read_settings(folder) if folder.is_dir() else Settings(folder=folder)
    check_free(folder, settings)
    if not is_first:
        return settings, None
    created = create_defaults(folder)
    return read_settings(folder), created


@frozen(kw_only=True)
class _Start:
    """What one start of the hub was asked for."""

    logs: Logs
    created: Created | None
    ready_file: Path | None
    is_simulating: bool
    _shown: list[Demonstration] = field(factory=list)

    async def run(self, app: App, say: Callable[[str, int, int], None]) -> bool:
        """Serve until a signal comes; tell whether everything was closed in time."""
        return await serve(app, self._ready, self._ending, say)

    async def _ending(self) -> None:
        while self._shown:
            await self._shown.pop().close()

    async def _ready(self, app: App) -> None:
        for plugin in app.host.loader.plugins.values():
            context = app.host.context_of(plugin.name)
            self.logs.redact.add(secrets_in(context.config if context is not None else None))
        url = app.urls["http"]
        if self.created is not None and self.created.files:
            _say(*first_steps(self.created, url))
        _say(*[f"{name} {address}" for name, address in app.urls.items()])
        if self.created is None and is_loopback(url) and not self.is_simulating:
            _say(f"Only this machine can reach it. To let gateways in: {opening_hint(app.folder)}.")
        if self.ready_file is not None:
            await asyncio.to_thread(_write, self.ready_file, app.urls)
        if self.is_simulating:
            self._shown.append(Demonstration(app, own_url(url)))


def _say(*lines: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        for line in lines:
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _write(path: Path, urls: dict[str, str]) -> None:
    try:
        replace_file(path, msgspec.json.encode(urls) + b"\n")
    except OSError as err:
        raise HubError(f"{path}: the ready file can't be written ({err.strerror})") from err


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as err:
        raise HubError(f"{path}: the old ready file can't be removed ({err.strerror})") from err

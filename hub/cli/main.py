"""The command ``hub``."""

import logging
import sys
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer
from typer.main import get_command

from hub.cli import archive, check, plugins, run, simulate, status
from hub.cli.automation import automation
from hub.cli.extension import HubGroup
from hub.cli.output import Output
from hub.cli.people import token, user
from hub.cli.quarantine import quarantine
from hub.cli.session import ENVIRONMENT, Session, find_folder
from hub.errors import ConfigErrors, HubError
from hub.version import VERSION

hub = typer.Typer(
    cls=HubGroup,
    name="hub",
    help="A self-hosted hub for field gateways.",
    epilog="Exit codes: 0 fine, 1 a problem that was explained, 2 wrong usage.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
hub.command()(run.run)
hub.command()(check.check)
hub.command()(status.status)
hub.add_typer(user, name="user")
hub.add_typer(token, name="token")
hub.command()(plugins.plugins)
hub.add_typer(automation, name="automation")
hub.add_typer(quarantine, name="quarantine")
hub.command()(archive.backup)
hub.command()(archive.restore)
hub.command()(simulate.simulate)


def _version(*, is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"fieldhub {VERSION}")
        raise typer.Exit


@hub.callback()
def _hub(
    context: typer.Context,
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            is_eager=True,  # the list of commands, with --help, depends on it
            help=f"The hub's folder; else ${ENVIRONMENT}, else the usual place for settings.",
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks, for reporting a fault.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Remember what every command needs."""
    context.obj = Session(folder=find_folder(config), is_debug=debug, output=Output())


def main() -> None:
    """Run the command line; end the process with its exit code."""
    is_debug = "--debug" in sys.argv
    if not is_debug:
        sys.excepthook = _explain
    # A command's own words are enough; `hub run` sets up the log of a running hub.
    logging.getLogger().addHandler(logging.StreamHandler() if is_debug else logging.NullHandler())
    try:
        get_command(hub).main(prog_name="hub")
    except HubError as err:
        if is_debug:
            raise
        for line in _sentences(err):
            sys.stderr.write(f"hub: {line}\n")
        sys.exit(1)


def _sentences(err: HubError) -> list[str]:
    if isinstance(err, ConfigErrors):
        return [str(error) for error in err.errors]
    return [" ".join(str(err).split())]


def _explain(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    sys.stderr.write(
        f"hub: this should not have happened ({kind.__name__}: {error}); "
        "run the same command with --debug before its name, and report what it shows\n"
    )


if __name__ == "__main__":
    main()

"""What every command knows: the folder it works on, and how it talks to the user."""

import os
from pathlib import Path

import platformdirs
import typer
from attrs import frozen

from hub.cli.output import Output

ENVIRONMENT = "FIELDHUB_CONFIG"


@frozen(kw_only=True)
class Session:
    """One call of the command line; a plugin's commands find it in ``ctx.obj``."""

    folder: Path
    is_debug: bool
    output: Output


def session_of(context: typer.Context) -> Session:
    """Return the session of a command."""
    session = context.find_object(Session)
    return session or Session(folder=find_folder(None), is_debug=False, output=Output())


def find_folder(wanted: Path | None) -> Path:
    """Return the configuration folder: the one named, else the environment's, else the usual."""
    if wanted is None:
        named = os.environ.get(ENVIRONMENT)
        wanted = Path(named) if named else Path(platformdirs.user_config_dir("fieldhub"))
    return wanted.expanduser().absolute()

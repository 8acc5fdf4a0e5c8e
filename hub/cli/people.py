"""``hub user`` and ``hub token``."""

import enum
import sys
from typing import Annotated

import typer

from hub.accounts.passwords import MAX_LENGTH
from hub.cli.output import AsJson
from hub.cli.remote import call
from hub.cli.session import session_of
from hub.errors import HubError

user = typer.Typer(help="People who may use the hub.", no_args_is_help=True)
token = typer.Typer(help="API tokens, for programs.", no_args_is_help=True)


class RoleName(enum.StrEnum):
    """What a user may do."""

    OWNER = "owner"
    ADMIN = "admin"
    VIEWER = "viewer"
    USER = "user"


@user.callback()
def _user() -> None:
    """Keep ``add`` a command of its own."""


@token.callback()
def _token() -> None:
    """Keep ``add`` a command of its own."""


@user.command("add")
def add_user(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="3 to 36 characters: a-z, 0-9 and hyphens.")],
    role: Annotated[
        RoleName,
        typer.Option(
            help="owner: everything; admin: everything but users; viewer: read everything; "
            "user: vendor protocols only."
        ),
    ],
    *,
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="Read the password from standard input, one line."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a user; asks for the password."""
    password = _read_password() if password_stdin else _ask_password(name)
    session = session_of(context)
    result = call(session, "user.add", name=name, role=role.value, password=password)
    if as_json:
        session.output.json(result)
    else:
        session.output.line(f"user {name} added, role {role.value}")


@token.command("add")
def add_token(
    context: typer.Context,
    user_name: Annotated[str, typer.Option("--user", help="Whose rights the token has.")],
    label: Annotated[str, typer.Option("--name", help="What the token is for.")],
) -> None:
    """Make a token and print it, once: nobody can show it again."""
    result = call(session_of(context), "token.add", user=user_name, label=label)
    if not isinstance(result, dict):
        raise HubError("the hub answered without a token: it may be of another version")
    # The token alone, so that a script can take it as it comes.
    sys.stdout.write(f"{result['token']}\n")


def _read_password() -> str:
    line = sys.stdin.readline(MAX_LENGTH + 3)
    password = line.removesuffix("\n").removesuffix("\r")
    if not password:
        raise HubError("there is no password on standard input")
    return password


def _ask_password(name: str) -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "there is no terminal to ask for a password: use --password-stdin",
            param_hint="--password-stdin",
        )
    answer: str = typer.prompt(
        f"Password for {name}", hide_input=True, confirmation_prompt=True, err=True
    )
    return answer

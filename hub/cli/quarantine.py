"""``hub quarantine``: messages that were genuine but not understood."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.output import AsJson, size_text
from hub.cli.remote import call
from hub.cli.session import Session, session_of
from hub.errors import HubError

quarantine = typer.Typer(
    help="Messages that were genuine but not understood.", no_args_is_help=True
)

Numbers = Annotated[
    list[int] | None, typer.Argument(metavar="[NUMBER]...", help="As hub quarantine list tells.")
]
Every = Annotated[bool, typer.Option("--all", help="All messages.")]
OfPlugin = Annotated[str | None, typer.Option("--plugin", help="Those of one plugin.")]


@quarantine.command("list")
def list_messages(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many, from the newest on.")] = 50,
    plugin: OfPlugin = None,
    as_json: AsJson = False,
) -> None:
    """List messages from the newest on."""
    session = session_of(context)
    found = _perform(session, "quarantine.list", limit=limit, plugin=plugin)
    if as_json:
        session.output.json(found)
        return
    session.output.table(
        ("number", "received", "plugin", "source", "bytes", "reason"),
        [
            tuple(one[key] for key in ("number", "received", "plugin", "source", "bytes", "reason"))
            for one in found["messages"]
        ],
    )
    session.output.hint(
        f"{found['count']} messages, {size_text(found['bytes'])}; "
        f"{found['dropped']} had to make room for newer ones"
    )


@quarantine.command("show")
def show_message(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="As hub quarantine list tells.")],
    *,
    save: Annotated[
        Path | None, typer.Option(help="Write the body as it came to this new file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one message: where it came from, what is wrong with it, and its body."""
    session = session_of(context)
    if save is not None:
        saved = _perform(session, "quarantine.save", number=number, file=str(save.absolute()))
        session.output.line(f"{saved['file']}: {size_text(saved['bytes'])}")
        return
    found = _perform(session, "quarantine.show", number=number)
    if as_json:
        session.output.json(found)
        return
    for key in ("number", "received", "plugin", "source", "route", "part", "reason", "bytes"):
        session.output.line(f"{key:9} {found[key]}")
    for name, value in found["headers"].items():
        session.output.line(f"header    {name}: {value}")
    session.output.line()
    session.output.line(found["body"])
    if found["is_cut"]:
        session.output.hint("there is more of it: --save FILE writes all")


@quarantine.command("replay")
def replay_messages(
    context: typer.Context,
    numbers: Numbers = None,
    *,
    every: Every = False,
    plugin: OfPlugin = None,
    as_json: AsJson = False,
) -> None:
    """Send messages through their routes again, as after an update of a plugin.

    What is understood now is stored and leaves the quarantine.
    """
    session = session_of(context)
    done = _perform(session, "quarantine.replay", **_choice(numbers, plugin, every=every))
    if as_json:
        session.output.json(done)
    else:
        for one in done["messages"]:
            if one["problem"]:
                session.output.line(f"{one['number']}: {one['problem']}")
            elif one["again"]:
                names = ", ".join(map(str, one["again"]))
                session.output.line(f"{one['number']}: not understood again, now {names}")
        session.output.line(
            f"{done['taken']} understood, {done['again']} not understood again, "
            f"{done['failed']} failed"
        )
    if done["failed"]:
        raise typer.Exit(1)


@quarantine.command("drop")
def drop_messages(
    context: typer.Context,
    numbers: Numbers = None,
    *,
    every: Every = False,
    plugin: OfPlugin = None,
    as_json: AsJson = False,
) -> None:
    """Remove messages for good."""
    session = session_of(context)
    done = _perform(session, "quarantine.drop", **_choice(numbers, plugin, every=every))
    if as_json:
        session.output.json(done)
    else:
        session.output.line(f"{done['dropped']} dropped")
    if done["missing"]:
        raise HubError(f"{done['missing']} of the messages are not in the quarantine")


def _choice(numbers: list[int] | None, plugin: str | None, *, every: bool) -> dict[str, Any]:
    ways = (bool(numbers), every, plugin is not None)
    if sum(ways) != 1:
        raise typer.BadParameter("name messages by NUMBER, or use --all, or --plugin NAME")
    return {"numbers": numbers or [], "all": every, "plugin": plugin}


def _perform(session: Session, operation: str, **arguments: object) -> dict[str, Any]:
    result = call(session, operation, **arguments)
    if not isinstance(result, dict):
        raise HubError(f"{operation}: the hub answered oddly: it may be of another version")
    return result

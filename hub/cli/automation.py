"""``hub automation``."""

import typer

from hub.cli.output import AsJson
from hub.cli.remote import call
from hub.cli.session import session_of

automation = typer.Typer(help="Automations.", no_args_is_help=True)


@automation.callback()
def _automation() -> None:
    """Keep ``list`` a command of its own."""


@automation.command("list")
def list_automations(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List automations: whether they are on, when they last ran, and what is wrong with them."""
    session = session_of(context)
    found = call(session, "automations.list")
    if as_json:
        session.output.json(found)
        return
    rows = found if isinstance(found, list) else []
    if not rows:
        session.output.line("there are no automations yet: automations.yaml is their place")
        return
    session.output.table(
        ("automation", "name", "state", "runs", "last run", "problem"),
        [
            tuple(
                one[key]
                for key in ("entity_id", "alias", "state", "runs", "last_triggered", "reason")
            )
            for one in rows
        ],
    )

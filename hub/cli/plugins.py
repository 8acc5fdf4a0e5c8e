"""``hub plugins``: which there are and how they are doing."""

from typing import Annotated

import typer

from hub.app.operations import plugin_report
from hub.cli.output import AsJson
from hub.cli.remote import call
from hub.cli.session import session_of
from hub.loader import Loader
from hub.version import VERSION


def plugins(
    context: typer.Context,
    *,
    as_json: AsJson = False,
    wide: Annotated[
        bool, typer.Option("--routes", help="Show routes, topics and counters, too.")
    ] = False,
) -> None:
    """Show every plugin: version, status, error, routes, topics and counters."""
    session = session_of(context)
    if session.folder.is_dir():
        found = call(session, "plugins.list")
    else:  # nothing is set up yet; what is installed can be told all the same
        loader = Loader(VERSION)
        loader.discover()
        found = [plugin_report(plugin) for plugin in loader.plugins.values()]
    reports = found if isinstance(found, list) else []
    if as_json:
        session.output.json(reports)
        return
    if not reports:
        session.output.line("no plugin is installed")
        return
    session.output.table(
        ("plugin", "version", "status", "routes", "topics", "messages", "error"),
        [
            (
                report["name"],
                report["version"] or "-",
                report["status"],
                len(report["routes"]),
                len(report["topics"]),
                report["messages"],
                report["error"],
            )
            for report in reports
        ],
    )
    for report in reports:
        for refused in report["refused"]:
            session.output.hint(f"{report['name']}: {refused}")
        if wide:
            session.output.line()
            session.output.line(report["name"])
            for line in (*report["routes"], *report["topics"]):
                session.output.line(f"  {line}")
            for name, value in sorted(report["counters"].items()):
                session.output.line(f"  {name} = {value}")

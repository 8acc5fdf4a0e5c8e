"""``hub status``: how the hub is doing, and what needs looking after."""

import typer

from hub.cli.output import AsJson, size_text
from hub.cli.remote import call
from hub.cli.session import session_of
from hub.errors import HubError


def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show how the hub is doing and what needs looking after."""
    session = session_of(context)
    found = call(session, "status")
    notices = call(session, "notices.list")
    if not isinstance(found, dict) or not isinstance(notices, dict):
        raise HubError("the hub answered oddly: it may be of another version")
    if as_json:
        session.output.json({**found, **notices})
        return
    line = session.output.line
    line(f"{found['name']}, version {found['version']}, {found['folder']}")
    for name, url in found["urls"].items():
        line(f"  {name} {url}")
    if not found["running"]:
        line("  not running")
    line(
        f"  {found['gateways']} gateways, {found['devices']} devices, "
        f"{found['entities']} entities, {found['users']} users"
    )
    kept = found["quarantine"]
    line(f"  quarantine: {kept['messages']} messages, {size_text(kept['bytes'])}")
    for problem in notices["problems"]:
        line(f"{problem['severity']}: {problem['title']}: {problem['message']}")
    for one in notices["notifications"]:
        line(f"notification: {one['title'] or 'Notification'}: {one['message']}")

"""What people read: plugins, automations, status."""

import io
import os
import pty
import sys

from hub.cli.output import Output


def test_plugins_are_a_table(hub):
    result = hub("plugins", "--routes")

    assert result.out.splitlines()[0].split() == [
        "plugin", "version", "status", "routes", "topics", "messages", "error",
    ]  # fmt: skip
    assert "  POST /api/v4/measurements" in result.out


def test_plugins_are_told_before_the_first_start(hub, folder, monkeypatch):
    monkeypatch.setenv("FIELDHUB_CONFIG", str(folder / "nowhere"))

    assert "efento" in hub("plugins", config=False).out


def test_automations_are_a_table(hub, folder):
    assert "there are no automations yet" in hub("automation", "list").out
    (folder / "hub.yaml").write_text(
        "automations:\n"
        "  - alias: Too warm\n"
        "    triggers: [{trigger: state, entity_id: sensor.x}]\n"
        "    actions: []\n"
        "  - alias: Broken\n"
        "    triggers: [{trigger: nonsense}]\n"
        "    actions: []\n"
    )

    listed = hub("automation", "list").out
    assert "automation.too_warm" in listed
    found = {one["alias"]: one for one in hub("automation", "list", "--json").json()}
    assert found["Broken"]["state"] == "unavailable"
    assert "nonsense" in found["Broken"]["reason"]
    assert "error: " in hub("status").out


def test_progress_is_a_bar_on_a_terminal_only(monkeypatch):
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    with Output().progress() as say:
        say("working", 1, 2)
    assert plain.getvalue() == ""

    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        with Output().progress() as say:
            say("working", 1, 2)
            say("working", 2, 2)
        terminal.flush()
        seen = os.read(leader, 65536)
    os.close(leader)
    assert b"working" in seen

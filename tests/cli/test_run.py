"""``hub run`` in a process of its own: start, stop, and everything that can be in the way."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys

import pytest

from tests.cli.conftest import TOKEN, make_folder
from tests.cli.test_quarantine import message


def snapshot(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def ask(url, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def post(url, body):
    status, _ = ask(url, "POST", "/api/v4/measurements", body, **{"X-Api-Token": TOKEN})
    return status


def test_commands_work_beside_a_running_hub_and_it_stops_cleanly(start, hub, folder, tmp_path):
    running = start(folder)
    urls = running.wait_until_ready()

    assert post(urls["http"], message()) == 201
    assert stat.S_IMODE((folder / "hub.sock").stat().st_mode) == 0o600
    status = hub("status", "--json").json()
    assert (status["running"], status["urls"]) == (True, urls)
    assert status["entities"] > 0
    assert hub("plugins", "--json").json()[0]["status"] == "running"
    added = hub("user", "add", "ann", "--role", "owner", "--password-stdin", stdin="long enough\n")
    assert added.code == 0, added.err
    token = hub("token", "add", "--user", "ann", "--name", "script").out.strip()
    status, states = ask(urls["http"], "GET", "/api/states", Authorization=f"Bearer {token}")
    assert (status, bool(json.loads(states))) == (200, True)
    refused = hub("token", "add", "--user", "nobody", "--name", "x")
    assert (refused.code, "there is no such user" in refused.err) == (1, True)
    assert hub("automation", "list", "--json").json() == []
    assert hub("backup", tmp_path / "b.tar.gz").code == 0
    assert post(urls["http"], b"no JSON") == 201
    assert hub("quarantine", "replay", "--all", "--json").json()["again"] == 1

    second = hub("run")
    assert (second.code, second.out) == (1, "")
    assert "another hub is running on this folder" in second.err
    restored = hub("restore", tmp_path / "b.tar.gz", "--force")
    assert (restored.code, "another hub is running" in restored.err) == (1, True)

    result, seconds = running.stop()
    assert result.code == 0
    assert seconds < 10
    assert f"http {urls['http']}" in result.out.splitlines()
    assert "Only this machine can reach it" in result.out
    assert "Traceback" not in result.err
    assert TOKEN not in result.out + result.err
    assert not (folder / "hub.sock").exists()
    assert hub("status", "--json").json()["running"] is False


def test_a_first_start_makes_the_folder_and_shows_the_token_once(start, tmp_path):
    folder = tmp_path / "new" / "hub"
    running = start(folder, "--log-level", "debug")
    try:
        running.wait_until_ready()
    except AssertionError:
        if "in use" in running.log.read_text():
            pytest.skip("another hub has the usual port")
        raise
    result, _ = running.stop(signal.SIGINT)

    assert result.code == 0
    secret = (folder / "secrets.yaml").read_text().split('"')[1]
    assert result.out.count(secret) == 1
    assert "Organization Token" in result.out
    assert f"{folder}/hub.yaml, line " in result.out
    assert secret not in result.err
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secrets.yaml").stat().st_mode) == 0o600


def test_simulated_gateways_are_shown_as_they_are_stored(start, folder):
    running = start(folder, "--simulate")
    running.wait_until_ready()
    seen = ""
    while "on disk" not in seen or " state " not in seen:
        seen += running.process.stdout.readline()

    result, seconds = running.stop(signal.SIGINT)

    assert result.code == 0
    assert seconds < 10
    assert "simulator" in seen


def test_a_very_long_path_of_the_folder_does_no_harm(start, hub, tmp_path, monkeypatch):
    folder = tmp_path / ("deep" * 30)
    make_folder(folder)
    start(folder).wait_until_ready()
    monkeypatch.setenv("FIELDHUB_CONFIG", str(folder))

    assert hub("status", "--json", config=False).json()["running"] is True


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("http: {port: [\n", "not valid YAML"),
        ("htpp: {port: 0}\nhttp: {prot: 1}\n", "prot"),
        ("http: {port: 1.5}\n", "hub.yaml:1: http.port: expected a port"),
        ("name: !secret nowhere\n", "the secret nowhere is not defined"),
        ("automations: !include gone.yaml\n", "gone.yaml"),
    ],
)
def test_a_wrong_file_is_explained_and_nothing_changes(hub, folder, text, sentence):
    (folder / "hub.yaml").write_text(text)
    before = snapshot(folder)

    result = hub("run")

    assert (result.code, result.out) == (1, "")
    assert sentence in result.err
    assert result.err.startswith("hub: ")
    assert "Traceback" not in result.err
    assert snapshot(folder) == before


def test_a_port_in_use_is_explained_and_nothing_changes(hub, folder):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (folder / "hub.yaml").write_text(f"http: {{port: {port}}}\n")
        before = snapshot(folder)

        result = hub("run")

    assert result.code == 1
    assert f"port {port} of 127.0.0.1 is in use" in result.err
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    "command", [["run"], ["status"], ["token", "add", "--user", "a", "--name", "b"]]
)
def test_a_newer_database_is_explained_and_nothing_changes(hub, folder, command):
    connection = sqlite3.connect(folder / "fieldhub.db")
    connection.execute("CREATE TABLE later(x)")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = snapshot(folder)

    result = hub(*command)

    assert (result.code, result.out) == (1, "")
    assert "written by a newer version" in result.err
    assert snapshot(folder) == before


def test_a_folder_that_is_a_file_is_explained(hub, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("FIELDHUB_CONFIG", str(tmp_path / "file"))

    result = hub("run", config=False)

    assert result.code == 1
    assert result.err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to the superuser")
def test_a_folder_that_cannot_be_written_is_explained(hub, folder):
    folder.chmod(0o500)
    try:
        result = hub("run")
    finally:
        folder.chmod(0o700)

    assert result.code == 1
    assert "can't be written" in result.err


def test_a_ready_file_that_cannot_be_written_ends_the_start(start, folder):
    running = start(folder, "--ready-file", "/proc/nowhere/ready.json")

    running.process.wait(40)

    assert running.process.returncode == 1
    assert "ready file can't be written" in running.log.read_text()


def test_a_wrong_section_of_a_plugin_stops_that_plugin_alone(start, hub, folder):
    (folder / "hub.yaml").write_text("http: {port: 0}\nefento: {tokens: 5}\n")
    start(folder).wait_until_ready()

    status = hub("status").out

    assert "Plugin efento does not run" in status
    assert "efento.tokens" in status


def test_the_faster_loop_is_optional(tmp_path):
    program = "import sys; sys.modules['uvloop'] = None; import hub.cli.run as r; print(r.new_loop)"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True
    )

    assert done.stdout == "None\n"

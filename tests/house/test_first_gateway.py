"""The tutorial's steps, done with the real command against a real hub."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from hub.config import create_defaults
from tests.house.tree import DOCS

HUB = Path(sys.executable).with_name("hub")
PAGE = (DOCS / "tutorial" / "first-gateway.md").read_text(encoding="utf-8")
SECONDS = 60


def command(*words, text=None):
    done = subprocess.run(
        [HUB, *words], input=text, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "fieldhub"
    create_defaults(folder)
    main = folder / "hub.yaml"
    main.write_text(main.read_text(encoding="utf-8").replace("port: 8480", "port: 0"), "utf-8")
    return folder


@pytest.fixture
def url(folder, tmp_path):
    ready = tmp_path / "ready.json"
    log = (tmp_path / "log").open("wb")
    hub = subprocess.Popen(
        [HUB, "--config", folder, "run", "--ready-file", ready], stdout=log, stderr=log
    )
    deadline = time.monotonic() + SECONDS
    while not ready.exists() and time.monotonic() < deadline and hub.poll() is None:
        time.sleep(0.05)
    try:
        yield json.loads(ready.read_text(encoding="utf-8"))["http"]
        hub.send_signal(signal.SIGINT)
        assert hub.wait(SECONDS) == 0
    finally:
        hub.kill()
        hub.wait()
        log.close()


def states(url, token):
    request = urllib.request.Request(f"{url}/api/states")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=SECONDS) as reply:
        return json.load(reply)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_first_gateway_is_there_after_the_steps_of_the_tutorial(folder, url):
    config = ["--config", str(folder)]
    command(
        *config, "user", "add", "anna", "--role", "owner", "--password-stdin", text="a-word-8\n"
    )
    token = command(*config, "token", "add", "--user", "anna", "--name", "laptop").strip()
    before = states(url, token)

    efento = (folder / "secrets.yaml").read_text(encoding="utf-8").rsplit('"', 2)[1]
    simulate = ["simulate", "efento", "--url", url, "--token", efento, "--for", "2", "--every", "1"]
    command(*simulate)
    after = {state["entity_id"]: state for state in states(url, token)}

    assert before == []
    assert any(state["attributes"].get("device_class") == "temperature" for state in after.values())
    assert (folder / "secrets.yaml").stat().st_mode & 0o777 == 0o600


def test_the_tutorial_has_these_steps_in_this_order():
    steps = [
        "run",
        "user add anna --role owner",
        "token add --user anna",
        "/api/states",
        "simulate",
    ]
    places = [PAGE.index(f"fieldhub {step}" if step[0] != "/" else step) for step in steps[:4]]

    assert places == sorted(places)
    assert PAGE.index("hub simulate efento") > places[-1]

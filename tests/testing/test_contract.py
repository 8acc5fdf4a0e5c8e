import subprocess
import sys
import textwrap

import pytest

from hub.testing.contract import *  # noqa: F403

# Every installed plugin keeps the contract; each needs its credentials.
TOKEN = "efento-token-of-a-test"
BAD = """
import asyncio
import datetime as dt
import socket
import pytest
from functools import partial
from hub import Batch, Context, DeviceKey, Reading, Route, Simulator, hookimpl, json_response

class Config:
    def __init__(self, token):
        self.token = token

class Bad:
    @hookimpl
    def register_routes(self, ctx):
        async def post(request):
            request.json()["a"]
            return json_response(200, {})
        return [Route("POST", "/bad/{x}", partial(post), access="public")]
    @hookimpl
    def register_simulators(self):
        async def run(options):
            pass
        return [Simulator("bad", "sends nothing", run)]
    @hookimpl
    def lifespan(self, ctx):
        return self
    async def __aenter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
    async def __aexit__(self, *_):
        pass

@pytest.fixture
def hub_plugins():
    bad = Bad()
    yield {"bad": bad}
    bad.socket.close()

from hub.testing.contract import *
pytestmark = pytest.mark.hub_plugin("bad")
"""


@pytest.fixture
def hub_config():
    return {"efento": {"tokens": [{"name": "barn", "token": TOKEN}]}}


@pytest.fixture
def hub_credentials():
    return {"X-Api-Token": TOKEN}


@pytest.fixture
def hub_simulation():
    return {"token": TOKEN}


def run(folder, source, *options):
    (folder / "test_it.py").write_text(textwrap.dedent(source))
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA", *options]
    return subprocess.run(  # noqa: PLW1510 - its failures are what is looked at
        command, cwd=folder, capture_output=True, text=True, timeout=60
    ).stdout


def test_a_bad_plugin_fails_the_contract_where_it_is_bad(tmp_path):
    output = run(tmp_path, BAD)

    for test in (
        "test_it_documents_its_routes",
        "test_no_garbage_makes_it_fail",
        "test_it_emits_aware_times_only",
        "test_everything_is_freed_when_it_stops",
    ):
        assert f"FAILED test_it.py::{test}[bad]" in output, output
    assert "PASSED test_it.py::test_it_runs[bad]" in output


def test_a_run_that_uses_none_of_it_loads_none_of_the_hubs_heavy_parts(tmp_path):
    source = """
    import sys
    def test_light():
        heavy = {"aiohttp", "tinydb", "jinja2", "typer", "hub.app", "argon2"}
        assert heavy & set(sys.modules) == set()
    """
    light = ("-p", "no:hypothesispytest", "-p", "no:randomly", "-p", "no:xdist")

    assert "1 passed" in run(tmp_path, source, *light)


def test_without_pytest_asyncio_other_tests_still_run(tmp_path):
    source = """
    def test_plain(hub_folder, hub_config, hub_plugins):
        assert hub_folder.exists()
    """

    assert "1 passed" in run(tmp_path, source, "-p", "no:asyncio", "-o", "asyncio_mode=")

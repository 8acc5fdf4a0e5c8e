"""What every plugin promises, as tests: ``from hub.testing.contract import *`` in a test module.

They run for each installed plugin, or for those that a module names with
``pytestmark = pytest.mark.hub_plugin("name")``. Override ``hub_plugins``, ``hub_config`` and
``hub_credentials`` as for other tests, and ``hub_simulation`` with the options that a simulator of
the plugin needs.
"""

# ruff: noqa: S101 - these are tests

import asyncio
import datetime as dt
import inspect
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hub.http import Route
from hub.model import Batch, IngestResult
from hub.simulation import SimulatorOptions
from hub.testing.client import Client
from hub.testing.running import RunningHub
from hub.web.client import HttpClient

__all__ = [
    "hub_simulation",
    "test_everything_is_freed_when_it_stops",
    "test_it_documents_its_routes",
    "test_it_emits_aware_times_only",
    "test_it_has_defaults_for_its_configuration",
    "test_it_runs",
    "test_no_garbage_makes_it_fail",
]

GARBAGE: tuple[bytes, ...] = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"{}",
    b"42",
    b'"text"',
    b"[[[[[[[[]]]]]]]]",
    b"\xff\xfe\x00\x01",
    b"\xef\xbb\xbf{}",
    b'{"a": 1e999}',
    b'{"measurements": 5, "values": "x", "devices": [null, 1, {}]}',
    b"[" * 5000,
    bytes(range(256)) * 8,
)
"""Bodies that no gateway means to send."""

_SIMULATED = dt.timedelta(seconds=1)
_PATIENCE_SECONDS = 10.0
_PARAMETER = re.compile(r"\{[^}]*\}")


@pytest.fixture
def hub_simulation() -> Mapping[str, Any]:
    """Options for the plugin's simulators, such as ``{"token": "secret"}``; override it."""
    return {}


async def test_it_runs(hub: RunningHub, hub_plugin_name: str) -> None:
    """It is imported, set up and started without an error."""
    plugin = hub.plugin(hub_plugin_name)

    assert (plugin.status, plugin.error) == ("running", None)
    assert plugin.refused == []


async def test_it_has_defaults_for_its_configuration(hub: RunningHub, hub_plugin_name: str) -> None:
    """Its section of ``hub.yaml`` may be missing."""
    plugin = hub.plugin(hub_plugin_name)
    config = hub.app.loader.call(plugin, "register_config")

    if config is not None:
        config()


async def test_it_documents_its_routes(hub: RunningHub, hub_plugin_name: str) -> None:
    """The handler of each route says in its docstring what the route is for."""
    silent = [
        f"{route.method} {route.path}"
        for route in _routes(hub, hub_plugin_name)
        if not inspect.getdoc(_function(route.handler))
    ]

    assert silent == []


async def test_no_garbage_makes_it_fail(
    hub: RunningHub, hub_plugin_name: str, hub_credentials: Mapping[str, str]
) -> None:
    """Whatever the body, with the right credentials or none, no route answers 5xx."""
    failures = []
    for route in _routes(hub, hub_plugin_name):
        path = _PARAMETER.sub("x1", route.path)
        for headers in (hub_credentials, {}):
            client = Client(hub.url, headers=headers)
            for body in GARBAGE:
                reply = await client.request(route.method, path, body=body)
                if reply.status >= 500:
                    failures.append((route.method, path, body[:60], reply.status))

    assert failures == []
    assert hub.plugin(hub_plugin_name).status == "running"


async def test_it_emits_aware_times_only(
    hub: RunningHub,
    hub_plugin_name: str,
    hub_simulation: Mapping[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every time its simulated gateways bring into the hub has a zone, and all of it is stored."""
    batches = _tap(hub, monkeypatch)
    simulators = hub.app.loader.gather(hub.plugin(hub_plugin_name), "register_simulators")
    if not simulators:
        pytest.skip("it has no simulator")
    for simulator in simulators:
        options: dict[str, Any] = {
            "url": hub.url,
            "every": dt.timedelta(milliseconds=200),
            "duration": _SIMULATED,
            "say": lambda _line: None,
            **hub_simulation,
        }
        try:
            async with HttpClient() as client, asyncio.timeout(_PATIENCE_SECONDS):
                await simulator.run(SimulatorOptions(post=client.post, **options))
        except TimeoutError:
            pytest.fail(f"simulator {simulator.name} does not end after its duration")

    assert any(batch.readings for batch in batches), "its simulators brought no reading"
    naive = [
        reading for batch in batches for reading in batch.readings if reading.at.tzinfo is None
    ]
    assert naive == []
    assert hub.app.routes.counts.of(hub_plugin_name).failed_count == 0


async def test_everything_is_freed_when_it_stops(hub: RunningHub, hub_plugin_name: str) -> None:
    """Its tasks, subscriptions, actions and sockets go with it."""
    context = hub.context(hub_plugin_name)
    actions = [a.name for a in hub.actions.all() if a.owner == hub_plugin_name]
    registry = hub.actions

    await hub.stop()

    assert context.task_count == 0
    assert context.subscription_count == 0
    assert [name for name in actions if registry.get(name) is not None] == []
    await asyncio.sleep(0)
    prefix = f"{hub_plugin_name}:"
    assert [t for t in asyncio.all_tasks() if t.get_name().startswith(prefix)] == []
    assert _listening() == []


def _routes(hub: RunningHub, name: str) -> list[Route]:
    found: list[Route] = hub.app.loader.gather(
        hub.plugin(name), "register_routes", ctx=hub.context(name)
    )
    return found


def _function(handler: object) -> object:
    while isinstance(handler, partial):
        handler = handler.func
    return handler


def _tap(hub: RunningHub, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """Return the list that every batch goes into on its way to the disk."""
    batches: list[Batch] = []
    ingest: Callable[[Batch], Any] = hub.app.core.ingest.ingest

    async def note(batch: Batch) -> IngestResult:
        batches.append(batch)
        result: IngestResult = await ingest(batch)
        return result

    monkeypatch.setattr(hub.app.core.ingest, "ingest", note)
    return batches


def _listening() -> list[str]:
    """Return the TCP sockets that this process listens on, on Linux."""
    own = {str(link.readlink()) for link in _links(Path("/proc/self/fd"))}
    found: list[str] = []
    for table in (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6")):
        rows = table.read_text("ascii").splitlines()[1:] if table.exists() else []
        # Address in the second column, state (0A: listening) in the fourth, inode in the tenth.
        cells = [row.split() for row in rows]
        found += [cell[1] for cell in cells if cell[3] == "0A" and f"socket:[{cell[9]}]" in own]
    return found


def _links(folder: Path) -> list[Path]:
    return [link for link in folder.iterdir() if link.is_symlink()] if folder.exists() else []

"""Fixtures for pytest, found by their entry point.

A run that asks for none of them pays for an import of ``hub`` alone. Those that need an event loop
need pytest-asyncio in its ``auto`` mode.

A test or a ``conftest.py`` says what the hub runs by overriding fixtures: ``hub_plugins`` (modules
by name; None means all that are installed), ``hub_config`` (what ``hub.yaml`` holds) and
``hub_credentials`` (the headers that the plugin's own routes want).
"""

import importlib.metadata
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from hub.testing.client import Client
from hub.testing.clock import ManualClock
from hub.testing.events import Recorder

pytest.register_assert_rewrite("hub.testing.contract")

StartHub = Callable[..., Awaitable[Any]]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "hub_plugin(*names): the plugins that hub.testing.contract is about"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of the contract once for each plugin: those of the marker, else all installed."""
    if "hub_plugin_name" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("hub_plugin")
    names = marker.args if marker else _installed()
    metafunc.parametrize("hub_plugin_name", names)


def _installed() -> list[str]:
    return sorted({point.name for point in importlib.metadata.entry_points(group="hub")})


@pytest.fixture
def hub_folder(tmp_path: Path) -> Path:
    """An empty configuration folder."""
    folder = tmp_path / "hub"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def hub_config() -> Mapping[str, Any]:
    """What ``hub.yaml`` holds beside the listener; override it."""
    return {}


@pytest.fixture
def hub_plugins() -> Mapping[str, object] | None:
    """The plugins that run, modules by name; None means all that are installed. Override it."""
    return None


@pytest.fixture
def hub_credentials() -> Mapping[str, str]:
    """The headers that the plugin's own routes want; override it."""
    return {}


@pytest.fixture
def hub_clock() -> ManualClock:
    """A clock that stands still until the test advances it; the hub of the same test runs on it.

    Override it to start at another moment: ``return ManualClock(moment)``. Do not advance it over
    weeks, for the hub does something each second.
    """
    return ManualClock()


@pytest.fixture
async def start_hub(hub_folder: Path) -> AsyncIterator[StartHub]:
    """Start hubs: the fixture is a function that does, and they stop with the test.

    As in ``hub = await start_hub(plugins={"mine": module}, config={"mine": {}}, clock=clock)``.
    """
    from hub.testing.running import RunningHub  # noqa: PLC0415 - the whole hub: only who needs it

    started: list[RunningHub] = []

    async def start(**options: Any) -> RunningHub:  # noqa: ANN401 - those of RunningHub
        folder = hub_folder / str(len(started)) if started else hub_folder
        folder.mkdir(exist_ok=True, mode=0o700)
        hub = RunningHub(folder, **options)
        started.append(hub)
        await hub.start()
        return hub

    yield start
    for hub in reversed(started):
        await hub.stop()


@pytest.fixture
async def hub(
    request: pytest.FixtureRequest,
    start_hub: StartHub,
    hub_config: Mapping[str, Any],
    hub_plugins: Mapping[str, object] | None,
) -> Any:  # noqa: ANN401 - RunningHub is only imported where it is needed
    """A real hub on a free port: a :class:`~hub.testing.running.RunningHub`."""
    has_clock = "hub_clock" in request.fixturenames
    clock = request.getfixturevalue("hub_clock") if has_clock else None
    return await start_hub(config=hub_config, plugins=hub_plugins, clock=clock)


@pytest.fixture
async def hub_client(hub: Any) -> Client:  # noqa: ANN401 - as above
    """A client with an owner's token; vendors' routes want the headers of their vendor."""
    client: Client = await hub.client()
    return client


@pytest.fixture
def hub_events(hub: Any) -> Recorder:  # noqa: ANN401 - as above
    """What happened on the hub's bus since it began to start."""
    recorder: Recorder = hub.events
    return recorder


@pytest.fixture
def make_plugin() -> Callable[..., object]:
    """Make a throw-away plugin of functions: ``make_plugin(register_routes=…)``."""
    from hub.testing.plugins import make_plugin  # noqa: PLC0415 - as above

    return make_plugin


@pytest.fixture
def stalled_writer(hub: Any) -> Callable[[], AbstractAsyncContextManager[None]]:  # noqa: ANN401
    """Let the hub's disk not answer within an ``async with`` block."""
    stall: Callable[[], AbstractAsyncContextManager[None]] = hub.stalled_writer
    return stall


@pytest.fixture
def full_disk(hub: Any) -> Callable[[], AbstractAsyncContextManager[None]]:  # noqa: ANN401 - as above
    """Let the hub's disk be full within an ``async with`` block."""
    fill: Callable[[], AbstractAsyncContextManager[None]] = hub.full_disk
    return fill

import asyncio
import datetime as dt

import pytest

from hub import Batch, DeviceKey, HubStarted, Reading, Route, json_response
from hub.clock import UTC
from hub.errors import PluginError
from hub.testing import ManualClock

pytestmark = pytest.mark.timeout(30)
KEY = DeviceKey("mine", "logger")
NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def hub_clock():
    return ManualClock(NOW)


@pytest.fixture
def hub_plugins(make_plugin):
    async def take(ctx, request):
        """Store the number in the body."""
        reading = Reading(KEY, "level", request.json(), request.received)
        result = await ctx.ingest(Batch(received=request.received, readings=[reading]))
        return json_response(201, {"stored": result.stored})

    def register_routes(ctx):
        async def post(request):
            """Store a level."""
            return await take(ctx, request)

        return [Route("POST", "/level", post, access="public", body_limit=100)]

    return {"mine": make_plugin(register_routes=register_routes)}


@pytest.fixture
def hub_config():
    return {"name": "Test"}


async def test_a_throw_away_plugin_runs_in_a_real_hub(hub, hub_client, hub_events):
    reply = await hub_client.post("/level", json=5)
    await hub.settled()

    assert (reply.status, reply.json(), reply.text) == (201, {"stored": 1}, '{"stored":1}')
    assert reply.headers["content-type"].startswith("application/json")
    assert "201" in repr(reply)
    assert hub.states.get("sensor.logger_level").state == "5"
    assert [e.value for e in hub_events.readings] == [5]
    assert [row.value for row in await hub.history("sensor.logger_level")] == [5]
    assert list(hub.app.loader.plugins) == ["mine"]
    assert hub.plugin("mine").status == "running"
    assert hub.context("mine").name == "mine"
    assert hub.app.settings.name == "Test"
    assert hub.registry.devices[KEY].record.name == "logger"


async def test_the_client_is_an_owner(hub, hub_client):
    assert (await hub_client.get("/api/states")).status == 200
    assert (await hub_client.get("/api/states", headers={"Authorization": None})).status == 401


async def test_the_clock_is_the_tests(hub, hub_clock):
    assert hub.clock is hub_clock
    await hub_clock.advance(60)
    assert hub.clock.now() == NOW + dt.timedelta(minutes=1)


async def test_a_hub_keeps_what_it_has_over_a_restart(hub, hub_client):
    await hub_client.post("/level", json=5)
    await hub.settled()

    await hub.restart()

    assert hub.states.get("sensor.logger_level").state == "5"
    client = await hub.client()
    assert (await client.get("/api/states")).status == 200


async def test_a_stopped_hub_says_so(hub):
    await hub.stop()
    await hub.stop()

    with pytest.raises(RuntimeError, match="not running"):
        _ = hub.url


async def test_an_unknown_plugin_has_no_context(hub):
    with pytest.raises(PluginError, match="plugin other: there is no such plugin"):
        hub.context("other")


async def test_a_plugin_that_failed_has_its_reason_instead_of_a_context(start_hub, make_plugin):
    def register_routes(ctx):
        raise ValueError("no port")

    hub = await start_hub(plugins={"bad": make_plugin(register_routes=register_routes)})

    with pytest.raises(PluginError, match="ValueError: no port"):
        hub.context("bad")


async def test_several_hubs_run_beside_each_other(start_hub, hub_plugins):
    one, two = [await start_hub(plugins=hub_plugins) for _ in range(2)]

    assert one.url != two.url
    assert one.folder != two.folder


async def test_a_hub_that_can_not_start_leaves_nothing_behind(start_hub, hub_plugins):
    one = await start_hub(plugins=hub_plugins)
    port = int(one.url.rpartition(":")[2])

    with pytest.raises(Exception, match="in use"):
        await start_hub(plugins=hub_plugins, config={"http": {"port": port}})


async def test_on_a_full_disk_and_a_stalled_one_nothing_is_acknowledged(
    hub_client, full_disk, stalled_writer
):
    async with full_disk():
        assert (await hub_client.post("/level", json=1)).status == 503
    async with stalled_writer():
        assert (await hub_client.post("/level", json=2)).status == 503

    assert (await hub_client.post("/level", json=3)).status == 201


async def test_the_recorder_waits_for_what_is_to_come(hub, hub_client, hub_events):
    assert len(hub_events.of(HubStarted)) == len(hub_events.of("homeassistant_started")) == 1
    task = asyncio.ensure_future(hub_events.wait_for("reading", count=2))
    for level in (1, 2):
        await hub_client.post("/level", body=b"%d" % level)

    event = await task

    assert event.value in {1, 2}
    hub_events.clear()
    assert hub_events.all == []
    with pytest.raises(TimeoutError):
        await hub_events.wait_for("reading", seconds=0.01)


@pytest.mark.parametrize("name", ["hub_folder"])
def test_the_folder_is_private_and_empty(request, name):
    folder = request.getfixturevalue(name)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []

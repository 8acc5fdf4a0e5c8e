"""The cases E01 to E38 of the protocol's contract, each through a real hub and its server.

E17, a hub that is killed right after a 201, is ``tests/faults/test_kill.py``.
"""

import asyncio
import datetime as dt
import json
import logging
import socket
from urllib.parse import urlsplit

import pytest

from hub import (
    DeviceDiscovered,
    DeviceKey,
    GatewayCameOnline,
    GatewayRestarted,
    GatewayWentOffline,
    HeartbeatReceived,
    MessageQuarantined,
)
from hub.registry.changes import Changes
from hub.testing import Client, ManualClock

pytestmark = pytest.mark.timeout(60)

NOW = dt.datetime(2024, 10, 12, 15, 28, 40, tzinfo=dt.UTC)
TOKEN = "correct-horse"
MEASUREMENTS = "/api/v4/measurements"
HEARTBEAT = "/api/v4/gateways/heartbeat"
ONE = "sensor.efento_282c024fffb1_temperature"
SIGNAL = "sensor.efento_282c024fffb1_signal_strength"


@pytest.fixture
def hub_clock():
    return ManualClock(NOW)


@pytest.fixture
def efento():
    """What stands in the section; override it."""
    return {}


@pytest.fixture
def automations():
    return []


@pytest.fixture
def hub_config(efento, automations):
    return {
        "efento": {"tokens": [{"name": "barn", "token": TOKEN}], **efento},
        "automations": automations,
    }


@pytest.fixture
def gateway(hub):
    """A client that sends what a gateway sends."""
    return Client(hub.url, headers={"X-Api-Token": TOKEN})


@pytest.fixture
def send(hub, gateway):
    async def send(*entries, path=MEASUREMENTS):
        reply = await gateway.post(path, json={"measurements": entries})
        await hub.settled()
        assert reply.status == 201
        return reply.json()

    return send


@pytest.fixture
def beat(hub, gateway, hub_clock, exchange):
    async def beat(**changes):
        now = int(hub_clock.now().timestamp())
        message = json.loads(exchange("heartbeat")["request"]["body"])
        message |= {"current_time": now, "next_communication_at": now + 1200, **changes}
        message = {key: value for key, value in message.items() if value is not ...}
        reply = await gateway.post(HEARTBEAT, json=message)
        await hub.settled()
        return reply

    return beat


@pytest.fixture
def switch(hub):
    """Disable a logger, or enable it again, as a user does."""

    async def switch(serial, *, is_on):
        core = hub.app.core
        changes = Changes(core.registry, core.states, core.bus, core.clock, core.write_records)
        device = core.registry.devices[DeviceKey("efento", serial)].record
        await changes.update_device(device.id, {"disabled_by": None if is_on else "user"})

    return switch


def state(hub, entity_id=ONE):
    found = hub.states.get(entity_id)
    return None if found is None else found.state


async def values(hub, entity_id=ONE):
    return [row.value for row in await hub.history(entity_id)]


def measured(hub_events):
    return [e for e in hub_events.readings if e.key not in {"battery", "signal"}]


async def test_e01_the_vendors_sample_is_stored_before_the_answer(hub, gateway, exchange):
    body = exchange("three_loggers")["request"]["body"].encode()

    reply = await gateway.post(MEASUREMENTS, body=body)

    assert reply.status == 201
    assert reply.json() == {"Y": [1, 2, 3], "N": []}
    assert reply.headers["content-type"].startswith("application/json")
    core = hub.app.core
    series = [s for s in core.registry.by_number.values() if s.entity.key.startswith("ch")]
    rows = [row for s in series for row in await core.store.history.rows(s.entity.series)]
    assert sorted(row.value for row in rows) == [6, 12, 21, 30, 50, 51]
    await hub.settled()
    assert state(hub) == "6"
    assert state(hub, "sensor.efento_282c024fffb3_differential_pressure") == "21"
    attributes = hub.states.get(ONE).attributes
    assert attributes["unit_of_measurement"] == "°C"
    assert attributes["device_class"] == "temperature"


async def test_e02_a_disabled_logger_is_answered_with_n_and_not_stored(hub, send, switch, entry):
    loggers = [
        entry(("temperature", n), serial=f"282C024FFFB{n}", response_handle=n) for n in range(1, 5)
    ]
    await send(loggers[3])
    await switch("282C024FFFB4", is_on=False)

    later = [{**logger, "measured_at": "2024-10-12 15:28:30 UTC"} for logger in loggers]
    assert await send(*later) == {"Y": [1, 2, 3], "N": [4]}

    series = hub.registry.devices[DeviceKey("efento", "282C024FFFB4")].series["ch1_temperature"]
    rows = await hub.app.core.store.history.rows(series.entity.series)
    assert [row.value for row in rows if row.value is not None] == [4]


async def test_e03_the_handle_zero_is_a_handle(gateway, exchange):
    request = exchange("firmware_2020")["request"]

    reply = await gateway.post(MEASUREMENTS, body=request["body"].encode())

    assert (reply.status, reply.json()) == (201, {"Y": [0, 1], "N": []})


async def test_e04_without_a_handle_it_is_stored_and_in_neither_list(hub, send, entry):
    logger = entry(("temperature", 6))
    del logger["response_handle"]

    assert await send(logger) == {"Y": [], "N": []}
    assert state(hub) == "6"


async def test_e05_a_handle_appears_once_however_often_it_comes(hub, send, entry):
    loggers = [
        entry(("temperature", n), measured_at=f"2024-10-12 14:{n:02}:00 UTC") for n in range(50)
    ]

    assert await send(*loggers) == {"Y": [1], "N": []}
    assert await values(hub) == list(range(50))


async def test_e06_an_empty_list_is_acknowledged(send):
    assert await send() == {"Y": [], "N": []}


async def test_e07_a_logger_without_parameters_was_heard(hub, send, entry):
    assert await send(entry(params=[], battery="low", signal=-91)) == {"Y": [1], "N": []}

    assert state(hub) is None
    assert state(hub, "binary_sensor.efento_282c024fffb1_battery") == "on"
    assert state(hub, "sensor.efento_282c024fffb1_signal_strength") == "-91"


async def test_e08_firmware_of_api_v2_is_understood(hub, gateway, exchange, hub_clock):
    request = exchange("firmware_2020")["request"]
    for path in ("/api/v2/measurements", "/api/v2/measurements/"):
        reply = await gateway.post(path, body=request["body"].encode())
        assert reply.status == 201
    await hub.settled()

    assert await values(hub, "sensor.efento_282c02403c2f_temperature") == [21.9]
    assert state(hub, "sensor.efento_282c02403c30_temperature") == "23"


async def test_e09_a_number_is_the_same_in_every_form(hub, send, entry):
    for second, value in enumerate([6, 6.0, "6", " 6.0 "]):
        await send(entry(("temperature", value), measured_at=f"2024-10-12 15:28:0{second} UTC"))

    assert await values(hub) == [6.0] * 4
    assert state(hub) == "6"


async def test_e10_open_is_on_and_closed_is_off(hub, send, entry):
    door = "binary_sensor.efento_282c024fffb1_opening"
    await send(entry(("open-close", "open")))
    assert state(hub, door) == "on"

    await send(entry(("open-close", "closed"), measured_at="2024-10-12 15:28:30 UTC"))
    assert state(hub, door) == "off"
    assert await values(hub, door) == [True, False]


async def test_e11_an_error_makes_one_entity_unavailable(hub, send, entry):
    logger = entry(("temperature", 6), ("humidity", 51))
    await send(logger)
    logger = entry(("temperature", None), ("humidity", 52), measured_at="2024-10-12 15:28:30 UTC")
    logger["params"][0]["status"] = "error"

    assert await send(logger) == {"Y": [1], "N": []}

    assert state(hub) in {"unavailable", "unknown"}
    assert state(hub, "sensor.efento_282c024fffb1_humidity") == "52"
    assert await values(hub) == [6, None]


async def test_e12_the_code_of_a_broken_sensor_is_no_value(hub, send, entry):
    await send(entry(("temperature", 8388557)))

    assert await values(hub) == [None]
    assert state(hub) in {"unavailable", "unknown"}


async def test_e13_an_unknown_type_is_stored_under_its_name(hub, send, entry):
    await send(entry(("radon", 120)))

    found = hub.states.get("sensor.efento_282c024fffb1_radon")
    assert found.state == "120"
    assert "unit_of_measurement" not in found.attributes


async def test_e14_any_channel_will_do(hub, send, entry):
    param = {"channel": 6, "type": "temperature", "value": 3, "status": "ok"}
    await send(entry(params=[param]))

    assert state(hub) == "3"


async def test_e15_the_same_message_again_changes_nothing(hub, send, entry, hub_events):
    first = await send(entry(("temperature", 6)))
    hub_events.clear()

    assert await send(entry(("temperature", 6))) == first
    assert await values(hub) == [6]
    assert not measured(hub_events)


async def test_e16_a_lost_answer_and_the_resend_make_one_reading(
    hub, send, entry, hub_events, hub_clock
):
    address = urlsplit(hub.url)
    body = json.dumps({"measurements": [entry(("temperature", 6))]}).encode()
    head = (
        f"POST {MEASUREMENTS} HTTP/1.1\r\nHost: hub\r\nX-Api-Token: {TOKEN}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection((address.hostname, address.port))
    connection.sendall(head.encode() + body)
    connection.close()
    await hub_events.wait_for("reading")

    assert await send(entry(("temperature", 6))) == {"Y": [1], "N": []}
    assert await values(hub) == [6]
    assert [e.value for e in measured(hub_events)] == [6]


async def test_e18_on_a_full_disk_it_is_503_and_the_resend_brings_everything(
    hub, gateway, send, full_disk, entry
):
    message = {"measurements": [entry(("temperature", 6), ("humidity", 50))]}
    async with full_disk():
        assert (await gateway.post(MEASUREMENTS, json=message)).status == 503
        assert state(hub) is None

    assert await send(*message["measurements"]) == {"Y": [1], "N": []}
    assert await values(hub) == [6]
    assert await values(hub, "sensor.efento_282c024fffb1_humidity") == [50]


async def test_e19_while_it_shuts_down_it_is_503(hub, gateway, entry):
    hub.app.server.refuse()

    reply = await gateway.post(MEASUREMENTS, json={"measurements": [entry(("temperature", 6))]})

    assert reply.status == 503


WATCH = {
    "id": "watch",
    "alias": "Watch",
    "mode": "queued",
    "triggers": [{"trigger": "state", "entity_id": ONE}],
    "actions": [{"event": "seen", "event_data": {"value": "{{ trigger.to_state.state }}"}}],
}


@pytest.mark.parametrize("automations", [[WATCH]])
async def test_e20_a_backfill_fires_nothing_and_a_live_reading_once(
    hub, send, entry, hub_clock, hub_events
):
    old = [
        entry(("temperature", n), measured_at=f"2024-10-{day} 12:{n:02}:00 UTC")
        for day in (10, 11)
        for n in range(10)
    ]
    await send(*old[:10])
    await send(*reversed(old[10:]))
    await send(entry(("temperature", 21)))
    await hub_events.wait_for("seen")
    await asyncio.sleep(0.05)

    assert state(hub) == "21"
    assert await values(hub) == [*range(10), *range(10), 21]
    assert [e.payload["value"] for e in hub_events.of("seen")] == [21]


async def test_e21_an_older_reading_is_history(hub, send, entry):
    await send(entry(("temperature", 6)))
    await send(entry(("temperature", 3), measured_at="2024-10-12 15:20:00 UTC"))

    assert state(hub) == "6"
    assert await values(hub) == [3, 6]


@pytest.mark.parametrize(
    "efento", [{"tokens": [{"name": "a", "token": TOKEN}, {"name": "b", "token": "other"}]}]
)
async def test_e22_two_gateways_that_hear_one_logger_bring_one_reading(hub, send, entry):
    message = {"measurements": [entry(("temperature", 6), signal=-50)]}
    assert await send(entry(("temperature", 6), signal=-90)) == {"Y": [1], "N": []}

    other = Client(hub.url, headers={"X-Api-Token": "other"})
    reply = await other.post(MEASUREMENTS, json=message)
    await hub.settled()

    assert (reply.status, reply.json()) == (201, {"Y": [1], "N": []})
    assert await values(hub) == [6]
    device = hub.registry.devices[DeviceKey("efento", "282C024FFFB1")]
    assert (device.heard_by.uid, device.best_signal) == ("token:b", -50)
    assert state(hub, SIGNAL) == "-50"


async def test_e23_a_wrong_token_is_refused_and_loses_nothing(hub, send, entry, caplog):
    caplog.set_level(logging.WARNING, "hub.plugins.efento")
    wrong = Client(hub.url, headers={"X-Api-Token": "wrong"})
    replies = await asyncio.gather(
        *(wrong.post(MEASUREMENTS, body=b"{this is never parsed") for _ in range(100))
    )

    assert {reply.status for reply in replies} == {401}
    assert max(len(reply.body) for reply in replies) < 100
    lines = [record for record in caplog.records if record.name == "hub.plugins.efento"]
    assert len(lines) == 1
    assert hub.quarantine_count == 0
    assert any("wrong_token" in problem.key for problem in hub.app.core.notices.all())

    assert await send(entry(("temperature", 6))) == {"Y": [1], "N": []}
    assert not any("wrong_token" in problem.key for problem in hub.app.core.notices.all())


@pytest.mark.parametrize("efento", [{"header": "Authorization"}])
async def test_e24_no_token_is_refused_and_a_custom_header_accepted(hub, entry):
    message = {"measurements": [entry(("temperature", 6))]}
    client = Client(hub.url)

    assert (await client.post(MEASUREMENTS, json=message)).status == 401
    for value in (TOKEN, f"Bearer {TOKEN}"):
        reply = await client.post(MEASUREMENTS, json=message, headers={"Authorization": value})
        assert reply.status == 201


async def test_e25_a_body_that_is_no_json_is_put_aside(hub, gateway, send, entry, hub_events):
    reply = await gateway.post(MEASUREMENTS, body=b"{bad json")
    await hub.settled()

    assert (reply.status, reply.json()) == (201, {"Y": [], "N": []})
    assert hub.quarantine_count == 1
    (event,) = hub_events.of(MessageQuarantined)
    assert event.plugin == "efento"
    _, raw = await hub.app.core.store.quarantine.take(event.quarantine_id)
    assert raw == b"{bad json"
    assert await send(entry(("temperature", 6))) == {"Y": [1], "N": []}


async def test_e26_a_bad_logger_does_not_block_its_neighbours(hub, send, entry):
    good = [entry(("temperature", n), serial=f"S{n}", response_handle=n) for n in (1, 3)]
    bad = entry(("temperature", 2), serial=None, response_handle=2)

    answer = await send(good[0], bad, good[1])

    assert sorted(answer["Y"]) == [1, 2, 3]
    assert answer["N"] == []
    assert state(hub, "sensor.efento_s1_temperature") == "1"
    assert state(hub, "sensor.efento_s3_temperature") == "3"
    assert hub.quarantine_count == 1


async def test_e27_a_time_without_a_zone_is_utc(hub, send, entry):
    await send(entry(("temperature", 6), measured_at="2024-10-12 15:28:21"))
    await send(entry(("temperature", 6), measured_at="2024-10-12 15:28:21 UTC"))

    assert await values(hub) == [6]


async def test_e28_a_reading_from_the_future_is_kept_but_never_shown(hub, send, entry):
    await send(entry(("temperature", 6)))

    answer = await send(entry(("temperature", 99), measured_at="2035-01-01 00:00:00 UTC"))

    assert answer == {"Y": [1], "N": []}
    assert state(hub) == "6"
    assert await values(hub) == [6, 99]


async def test_e29_a_heartbeat_brings_a_gateway_with_its_entities(
    hub, gateway, exchange, hub_events, hub_clock
):
    await hub_clock.move_to(NOW)
    reply = await gateway.post(HEARTBEAT, body=exchange("heartbeat")["request"]["body"].encode())
    await hub.settled()

    assert (reply.status, reply.json()) == (201, {})
    (found,) = hub.registry.gateways.values()
    assert found.name == "Efento-Gateway-030A"
    assert (found.model, found.sw_version) == ("HG6-v1.2-LECH", "01.00.00-c723d")
    assert hub.app.core.ingest.presence.is_online(found.key)
    assert [e.name for e in hub_events.of(GatewayCameOnline)] == ["Efento-Gateway-030A"]
    assert [e.gateway for e in hub_events.of(HeartbeatReceived)] == ["282C024F030A"]
    of = "efento_gateway_030a"
    assert state(hub, f"sensor.{of}_uptime") == "2401"
    assert state(hub, f"sensor.{of}_loggers_in_range") == "128"
    assert state(hub, f"sensor.{of}_logger_capacity") == "128"
    assert state(hub, f"binary_sensor.{of}_mains_power") == "on"
    assert state(hub, f"binary_sensor.{of}_charging") == "on"
    assert state(hub, f"sensor.{of}_battery") in {"unknown", "unavailable"}


async def test_e30_a_gateway_without_a_battery_has_no_battery(hub, beat):
    assert (await beat(power_monitor=...)).status == 201

    assert not [name for name in hub.states if "battery" in name or "power" in name]
    assert state(hub, "sensor.efento_gateway_030a_uptime") == "2401"


async def test_e31_a_silent_gateway_goes_offline_once_and_comes_back(
    hub, beat, hub_clock, hub_events
):
    await beat()
    await hub_clock.advance(minutes=59)
    assert not hub_events.of(GatewayWentOffline)

    await hub_clock.advance(minutes=10)
    assert [e.gateway for e in hub_events.of(GatewayWentOffline)] == ["282C024F030A"]

    await beat()
    assert len(hub_events.of(GatewayCameOnline)) == 2


async def test_e32_a_smaller_uptime_is_a_restart(beat, hub_clock, hub_events):
    await beat(uptime=2401)
    await hub_clock.advance(minutes=1)
    await beat(uptime=30)

    assert [e.gateway for e in hub_events.of(GatewayRestarted)] == ["282C024F030A"]


async def test_e33_a_backfill_of_20000_loggers_is_taken_in_time(hub, gateway, entry):
    entries = [
        entry(
            ("temperature", n / 100),
            serial=f"282C02{n % 100:06X}",
            measured_at=f"2024-10-12 {n // 6000 + 10}:{n // 100 % 60:02}:{n % 60:02} UTC",
        )
        for n in range(20_000)
    ]
    body = json.dumps({"measurements": entries}).encode()
    loop = asyncio.get_running_loop()
    start = loop.time()

    reply = await gateway.post(MEASUREMENTS, body=body)

    assert reply.status == 201
    assert loop.time() - start < 20  # five here, when nothing else runs
    assert hub.app.core.ingest.reading_count >= 20_000


@pytest.mark.parametrize("path", [f"{MEASUREMENTS}/", "//api//v4/measurements"])
async def test_e34_slashes_do_not_matter_and_nothing_redirects(gateway, entry, path):
    reply = await gateway.post(path, json={"measurements": [entry(("temperature", 6))]})

    assert reply.status == 201


async def test_e35_the_answer_has_few_headers_and_is_not_chunked(gateway, entry):
    for reply in (
        await gateway.post(MEASUREMENTS, json={"measurements": [entry(("temperature", 6))]}),
        await gateway.post(HEARTBEAT, json={"mac": "28:2C:02:4F:03:0A"}),
    ):
        assert reply.status == 201
        assert len(reply.headers) <= 10
        assert int(reply.headers["content-length"]) == len(reply.body)
        assert not {"transfer-encoding", "content-encoding", "set-cookie"} & set(reply.headers)


BROKEN = {**WATCH, "actions": [{"event": "seen", "event_data": {"x": "{{ 1 / 0 }}"}}]}


@pytest.mark.parametrize("automations", [[BROKEN]])
async def test_e36_a_broken_automation_is_not_the_gateways_business(
    hub, send, entry, hub_clock, caplog
):
    await send(entry(("temperature", 6)))

    answer = await send(entry(("temperature", 7), measured_at="2024-10-12 15:28:30 UTC"))
    await asyncio.sleep(0.1)

    assert answer == {"Y": [1], "N": []}
    assert state(hub) == "7"
    assert "division" in caplog.text


@pytest.mark.parametrize("efento", [{"prefix": "/farm"}])
async def test_e37_other_methods_and_paths_are_told_apart(hub, gateway, caplog, entry):
    caplog.set_level(logging.WARNING, "hub.plugins.efento")

    assert (await gateway.get(MEASUREMENTS)).status == 405
    assert (await gateway.post("/api/v4/measurement", json={})).status == 404
    assert "/farm/api/v4/measurements" in caplog.text
    message = {"measurements": [entry(("temperature", 6))]}
    for path in ("/farm/api/v4/measurements/", "/farm/api/v2/measurements", MEASUREMENTS):
        assert (await gateway.post(path, json=message)).status == 201


async def test_e38_a_logger_that_is_enabled_again_moves_to_y(hub, send, switch, entry):
    await send(entry(("temperature", 6)))
    await switch("282C024FFFB1", is_on=False)
    assert await send(entry(("temperature", 7))) == {"Y": [], "N": [1]}

    await switch("282C024FFFB1", is_on=True)
    answer = await send(entry(("temperature", 8), measured_at="2024-10-12 15:28:30 UTC"))
    assert answer == {"Y": [1], "N": []}
    assert state(hub) == "8"


@pytest.mark.parametrize("efento", [{"auto_accept": False}])
async def test_an_unknown_logger_waits_until_it_is_enabled(hub, send, switch, entry, hub_events):
    assert await send(entry(("temperature", 6))) == {"Y": [], "N": [1]}
    assert [e.accepted for e in hub_events.of(DeviceDiscovered)] == [False]
    assert state(hub) is None

    await switch("282C024FFFB1", is_on=True)
    assert await send(entry(("temperature", 6))) == {"Y": [1], "N": []}
    assert state(hub) == "6"


@pytest.mark.parametrize(
    "efento", [{"loggers": [{"serial": "282c024fffb1", "name": "Cold store"}]}]
)
async def test_a_logger_has_the_name_of_the_configuration(hub, send, entry):
    await send(entry(("temperature", 6)))

    assert state(hub, "sensor.cold_store_temperature") == "6"


@pytest.mark.parametrize("efento", [{"body_limit": "64KiB", "spool_limit": "1MiB"}])
async def test_a_body_above_the_limit_is_put_aside_unread(hub, gateway, send, entry):
    large = json.dumps({"measurements": [entry(("temperature", 6))] * 500}).encode()

    reply = await gateway.post(MEASUREMENTS, body=large)

    assert (reply.status, reply.json()) == (201, {"Y": [], "N": []})
    assert hub.quarantine_count == 1
    assert (await gateway.post(MEASUREMENTS, body=b"x" * 2_000_000)).status == 503


@pytest.mark.parametrize("efento", [{"tokens": [], "open": True}])
async def test_an_open_hub_takes_gateways_without_a_token(hub, entry):
    client = Client(hub.url)

    reply = await client.post(MEASUREMENTS, json={"measurements": [entry(("temperature", 6))]})

    assert reply.status == 201
    assert [key.uid for key in hub.registry.gateways] == ["open"]

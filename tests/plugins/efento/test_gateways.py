import datetime as dt
import json

import pytest

from hub import GatewayKey, GatewayRestarted, HeartbeatReceived
from hub_efento import gateways, wire

SENT = dt.datetime(2024, 11, 8, 13, 56, 32, tzinfo=dt.UTC)
RECEIVED = SENT + dt.timedelta(seconds=2)


@pytest.fixture
def sample(exchange):
    def make(**changes):
        message = json.loads(exchange("heartbeat")["request"]["body"])
        message.update(changes)
        kept = {key: value for key, value in message.items() if value is not ...}
        return wire.parse_heartbeat(json.dumps(kept).encode())

    return make


def batch_of(beat, received=RECEIVED, *, is_restarted=False):
    return gateways.heartbeat(beat, received, [], is_restarted=is_restarted)


def test_the_vendors_heartbeat_describes_its_gateway(sample):
    (info,) = batch_of(sample()).gateways

    assert info.key == GatewayKey("efento", "282C024F030A")
    assert info.name == "Efento-Gateway-030A"
    assert (info.manufacturer, info.model) == ("Efento", "HG6-v1.2-LECH")
    assert info.sw_version == "01.00.00-c723d"
    assert info.connections == {("mac", "28:2c:02:4f:03:0a")}
    assert info.offline_after == dt.timedelta(seconds=3600)
    assert not info.is_group


def test_a_gateway_has_entities_of_its_own(sample):
    batch = batch_of(sample())

    values = {r.key: r.value for r in batch.readings}
    assert values == {
        "uptime": 2401,
        "loggers_in_range": 128,
        "logger_capacity": 128,
        "mains_power": True,
        "charging": True,
        "battery_level": None,
    }
    assert {tuple(r.device) for r in batch.readings} == {("efento", "282C024F030A")}
    (device,) = batch.devices
    assert device.key == ("efento", "282C024F030A")
    assert device.interval == dt.timedelta(seconds=1200)
    classes = {r.key: r.info.device_class for r in batch.readings}
    assert classes["mains_power"] == "plug"
    assert classes["charging"] == "battery_charging"
    assert classes["battery_level"] == "battery"


def test_a_gateway_without_a_power_monitor_has_no_battery(sample):
    keys = [r.key for r in batch_of(sample(power_monitor=...)).readings]

    assert keys == ["uptime", "loggers_in_range", "logger_capacity"]


def test_a_heartbeat_says_what_it_said_as_an_event(sample):
    (event,) = batch_of(sample()).events

    assert isinstance(event, HeartbeatReceived)
    assert event.gateway == "282C024F030A"
    assert event.status["software_version"] == "01.00.00-c723d"
    assert event.status["clock_offset"] == 2
    assert event.status["current_time"] == "2024-11-08T13:56:32+00:00"


def test_a_restart_is_an_event_of_its_own(sample):
    _, event = batch_of(sample(), is_restarted=True).events

    assert isinstance(event, GatewayRestarted)
    assert event.name == "Efento-Gateway-030A"


@pytest.mark.parametrize(
    ("late", "expected"), [(0, SENT), (119, SENT), (121, None), (-121, None), (86400, None)]
)
def test_a_gateway_with_a_wrong_clock_still_talks_about_now(sample, late, expected):
    received = SENT + dt.timedelta(seconds=late)

    ats = {r.at for r in batch_of(sample(), received).readings}

    assert ats == {expected or received}


@pytest.mark.parametrize(
    "changes",
    [
        {"next_communication_at": ...},
        {"current_time": ...},
        {"next_communication_at": 1731074192},
        {"next_communication_at": 1},
    ],
)
def test_without_a_promise_the_usual_gap_decides(sample, changes):
    batch = batch_of(sample(**changes))

    assert batch.gateways[0].offline_after is None
    assert batch.devices[0].interval is None


@pytest.mark.parametrize(("pause", "expected"), [(1, 60), (10**9, 30 * 86400)])
def test_a_promise_has_bounds(sample, pause, expected):
    batch = batch_of(sample(next_communication_at=1731074192 + pause))

    assert batch.gateways[0].offline_after == dt.timedelta(seconds=expected)


def test_a_heartbeat_that_says_nothing_but_its_address_counts():
    batch = batch_of(wire.parse_heartbeat(b'{"mac": "28:2C:02:4F:03:0A"}'))

    assert batch.gateways[0].name == "Efento gateway 282C024F030A"
    assert not batch.readings
    assert batch.events[0].status["clock_offset"] is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"uptime": 100}, {"uptime": 5}, True),
        ({"uptime": 100}, {"uptime": 100}, False),
        ({"uptime": 100}, {"uptime": 105}, False),
        ({"uptime": 100}, {"uptime": ...}, False),
        ({"uptime": ...}, {"uptime": 5}, False),
        ({"uptime": 100}, {"uptime": 5, "current_time": 1731074000}, False),
        ({"uptime": 100}, {"uptime": 5, "current_time": 60}, True),
        ({"uptime": 100}, {"uptime": 5, "current_time": ...}, True),
    ],
)
def test_a_smaller_uptime_is_a_restart_unless_the_message_is_old(sample, before, after, expected):
    assert gateways.is_restarted(sample(**before), sample(**after)) is expected


def test_gateways_without_a_token_have_a_group_of_their_own():
    assert gateways.group(None).key != gateways.group("open").key
    assert gateways.group(None).is_group
    assert gateways.group("barn").name == "Efento barn"

import asyncio
import datetime as dt
import json

import pytest

from hub import SimulatorOptions
from hub.testing.clock import ManualClock
from hub_efento import simulate, wire
from hub_efento.loggers import loggers
from hub_efento.types import KINDS

START = dt.datetime(2025, 3, 1, 12, 0, tzinfo=dt.UTC)
EVERY = dt.timedelta(seconds=5)


class Server:
    """What the gateways send to; answers as it is told."""

    def __init__(self, clock):
        self.clock = clock
        self.status = 201
        self.unwanted = ()
        self.reports = []
        self.beats = []
        self.moments = []
        self.headers = []

    async def post(self, url, headers, body):
        self.moments.append(self.clock.now())
        self.headers.append(headers)
        if self.status is None:
            raise ConnectionError("no route to host")
        if self.status != 201:
            return self.status, b"busy"
        if url.endswith("/api/v4/gateways/heartbeat"):
            self.beats.append(wire.parse_heartbeat(body))
            return 201, b"{}"
        assert url.endswith("/api/v4/measurements")
        message = json.loads(body)["measurements"]
        self.reports.append(message)
        handles = {entry["response_handle"] for entry in message}
        wanted = sorted(handles - set(self.unwanted))
        return 201, json.dumps({"Y": wanted, "N": sorted(handles & set(self.unwanted))}).encode()


@pytest.fixture
def clock():
    return ManualClock(START)


@pytest.fixture
def server(clock):
    return Server(clock)


@pytest.fixture
def lines():
    return []


@pytest.fixture
async def simulation(server, clock, lines):
    """Start the simulation; it ends with the test."""
    tasks = []

    def start(**fields):
        options = SimulatorOptions(
            **{
                "url": "http://hub",
                "token": "abc",
                "every": EVERY,
                "say": lines.append,
                "post": server.post,
                "clock": clock,
                **fields,
            }
        )
        task = asyncio.ensure_future(simulate.run(options))
        tasks.append(task)
        return task

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_there_is_a_logger_for_every_type():
    found = {
        param["type"].replace("-", "_") for logger in loggers(0) for param in logger.measure(0)
    }

    assert found >= {kind.name for kind in KINDS.values()}
    assert all(len(logger.channels) <= 3 for logger in loggers(0))
    assert len({logger.serial for g in range(50) for logger in loggers(g)}) == 50 * len(loggers(0))


def test_the_cold_store_warms_up_within_a_minute_and_cools_down_again():
    store = loggers(0)[0]

    temperatures = [store.measure(step)[0]["value"] for step in range(48)]

    assert max(temperatures[:12]) > 8
    assert temperatures[0] < 6
    assert temperatures[22] < 5
    assert max(temperatures[24:36]) > 8


async def test_messages_are_what_real_gateways_send(simulation, server, clock):
    simulation()
    await clock.advance(120)

    assert all(headers["X-Api-Token"] == "abc" for headers in server.headers)
    for report in server.reports:
        parsed = wire.parse(json.dumps({"measurements": report}).encode())
        assert len(parsed.entries) == len(report)
    assert not any(beat.bad for beat in server.beats)
    assert len(server.beats) >= 4


async def test_after_a_gap_in_the_network_everything_is_sent(simulation, server, clock, lines):
    simulation()
    await clock.advance(seconds=5 * 40)

    times = sorted({entry["measured_at"] for report in server.reports for entry in report})
    assert len(times) == 41
    assert any("no network" in line for line in lines)
    assert max(len({e["measured_at"] for e in report}) for report in server.reports) > 1


async def test_a_503_makes_it_wait_and_then_nothing_is_missing(simulation, server, clock, lines):
    server.status = 503
    simulation()
    await clock.advance(seconds=14)
    # 5 minutes where a round takes 3 minutes: 8.3 s where it takes 5 s.
    assert [(at - START).total_seconds() for at in server.moments] == [0, 10]

    server.status = 201
    await clock.advance(seconds=20)

    assert any("503" in line for line in lines)
    times = {entry["measured_at"] for report in server.reports for entry in report}
    assert len(times) == 7


@pytest.mark.parametrize("status", [500, 401, 302, None])
async def test_anything_but_201_is_sent_again(simulation, server, clock, lines, status):
    server.status = status
    simulation()
    await clock.advance(seconds=12)
    assert len(server.moments) == 3

    server.status = 201
    await clock.advance(seconds=5)

    assert len({entry["measured_at"] for report in server.reports for entry in report}) == 4
    assert any("again in the next round" in line for line in lines)


async def test_loggers_answered_with_n_are_left_out(simulation, server, clock):
    server.unwanted = (0, 3)
    simulation()
    await clock.advance(seconds=12)

    assert {e["response_handle"] for e in server.reports[0]} >= {0, 3}
    assert not {e["response_handle"] for e in server.reports[-1]} & {0, 3}


async def test_mains_power_goes_and_comes_back(simulation, server, clock, lines):
    simulation()
    await clock.advance(seconds=5 * 14)

    powers = [(beat.is_usb_connected, beat.battery_level is None) for beat in server.beats]
    assert (False, False) in powers
    assert powers[0] == powers[-1] == (True, True)
    assert any("mains power lost" in line for line in lines)
    assert any("mains power is back" in line for line in lines)


async def test_it_ends_when_its_time_is_up(simulation, server, clock):
    task = simulation(duration=dt.timedelta(seconds=12), token=None, gateway_count=3)
    await clock.advance(seconds=30)

    assert task.done()
    assert len({beat.mac for beat in server.beats}) == 3
    assert "X-Api-Token" not in server.headers[0]
    assert max(server.moments) < START + dt.timedelta(seconds=18)


async def test_an_answer_that_is_no_json_is_an_answer(simulation, server, clock):
    async def post(url, headers, body):
        await server.post(url, headers, body)
        return 201, b"[1" if "measurements" in url else b"[]"

    simulation(post=post)
    await clock.advance(seconds=12)

    assert len(server.reports) == 3

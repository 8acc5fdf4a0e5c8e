"""The friendly terminal, and simulated gateways from the command line."""

import io
import sys

from hub.bus import Bus
from hub.cli.live import LiveView
from hub.cli.printer import Printer
from hub.events import (
    ActionCalled,
    AutomationTriggered,
    DeviceDiscovered,
    GatewayCameOnline,
    GatewayWentOffline,
    MessageQuarantined,
    ReadingReceived,
    ReadingsStored,
    StateChanged,
)
from hub.model import Context
from hub.state import State
from hub.testing.clock import ManualClock


def state(text, **attributes):
    return State("sensor.cold", text, attributes, 0, 0, 0, Context())


def reading(value):
    return ReadingReceived("efento", "1", "t", "sensor.cold", value, 0, 0)


async def shown(*events, wait=None):
    bus, clock, stream = Bus(), ManualClock(), io.StringIO()
    printer = Printer(stream)
    view = LiveView(bus, clock, printer)
    for event in events:
        bus.publish(event)
    if wait:
        await clock.advance(seconds=wait)
        view.say("later")
    view.close()
    bus.publish(reading("after the end"))
    printer.close()
    return stream.getvalue().splitlines()


async def test_each_thing_that_happens_is_a_line():
    lines = await shown(
        reading(4.5),
        StateChanged("sensor.cold", None, state("4.5", unit_of_measurement="°C")),
        StateChanged("sensor.cold", state("4.5"), state("unavailable", unit_of_measurement="°C")),
        StateChanged("sensor.cold", state("4.5"), state("4.5", x=1)),
        StateChanged("sensor.cold", state("4.5"), None),
        AutomationTriggered("Too warm", "automation.too_warm", "state of sensor.cold"),
        ActionCalled("notify", "me", {"message": "Look!\x1b[2J"}),
        ActionCalled("light", "turn_on"),
        GatewayCameOnline("efento", "g", "Barn"),
        GatewayWentOffline("efento", "g", "Barn", 0),
        DeviceDiscovered("efento", "d", "Logger", True),
        MessageQuarantined("efento", "x", "no JSON", 7),
        ReadingsStored("efento", "d", "t", "sensor.cold", 300, 0, 0),
    )

    assert [line[9:] for line in lines] == [
        "reading    sensor.cold = 4.5, on disk",
        "state      sensor.cold is 4.5 °C",
        "state      sensor.cold: 4.5 -> unavailable",
        "state      sensor.cold was removed",
        "automation Too warm: state of sensor.cold",
        "action     notify.me: Look!\\x1b[2J",
        "action     light.turn_on",
        "gateway    Barn is online",
        "gateway    Barn is offline",
        "device     Logger was heard for the first time",
        "problem    message 7 of efento put aside: no JSON",
        "reading    sensor.cold: 300 older readings, on disk",
    ]


async def test_much_at_once_is_counted_and_what_matters_is_shown_all_the_same():
    events = [reading(n) for n in range(100)]

    lines = await shown(*events, AutomationTriggered("Alarm", "automation.a", "x"), wait=2)

    assert len(lines) == 18
    assert "Alarm" in lines[15]
    assert lines[16].strip() == "and 85 more"


async def test_a_terminal_gets_colours(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)

    (line,) = await shown(reading(1))

    assert line.startswith("\x1b[2m")
    assert line.endswith("\x1b[0m")


def test_simulators_are_listed(hub):
    assert hub("simulate").out.startswith("efento  ")


def test_simulated_gateways_send_to_a_running_hub(start, hub, folder):
    from tests.cli.conftest import TOKEN

    url = start(folder).wait_until_ready()["http"]

    result = hub("simulate", "efento", "--url", url, "--token", TOKEN, "--gateways", "2",
                 "--every", "0.2", "--for", "2")  # fmt: skip

    assert result.code == 0
    assert TOKEN not in result.out + result.err
    assert hub("status", "--json").json()["entities"] > 5

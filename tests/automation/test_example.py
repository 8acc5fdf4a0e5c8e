"""The example automations do what their descriptions say."""

from pathlib import Path

import pytest

from hub.automation.builtin import register_actions

EXAMPLE = Path(__file__).parents[2] / "examples" / "config" / "automations.yaml"
TEMPERATURE = "sensor.cold_store_temperature"
POWER = "binary_sensor.efento_gateway_0001_mains_power"


class Kept(dict):
    async def create(self, notification_id, title, message):
        self[notification_id] = message

    async def dismiss(self, notification_id):
        self.pop(notification_id, None)


@pytest.fixture
async def hub(make):
    lab = make(EXAMPLE.read_text("utf-8"), states={TEMPERATURE: "4.0", POWER: "on"})
    lab.shown = Kept()
    register_actions(lab.actions, notifications=lab.shown)
    assert lab.errors == []
    yield lab
    await lab.automations.stop()


async def test_a_cold_store_that_stays_warm_is_told(hub):
    hub.states.set(TEMPERATURE, "8.44")
    await hub.clock.advance(seconds=8)
    assert hub.shown == {}
    hub.states.set(TEMPERATURE, "9.27")
    await hub.clock.advance(seconds=2)

    assert hub.shown == {"cold_store_too_warm": "9.3 °C at 12:00, above 8.0 °C for 10 seconds."}


async def test_a_cold_store_that_was_opened_is_not_told(hub):
    hub.states.set(TEMPERATURE, "9.5")
    await hub.clock.advance(seconds=6)
    hub.states.set(TEMPERATURE, "7.0")
    await hub.clock.advance(minutes=10)

    assert hub.shown == {}


async def test_mains_power_is_told_when_it_goes_and_comes(hub):
    hub.states.set(POWER, "off", {"friendly_name": "Gateway mains"})
    assert hub.shown == {"gateway_lost_mains_power": "Gateway mains went off at 12:00."}
    hub.states.set(POWER, "on")

    assert hub.shown == {}

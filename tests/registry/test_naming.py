import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ids import is_entity_id
from hub.model import DeviceKey, EntityInfo
from hub.registry.naming import (
    attributes_for,
    described,
    entity_id_for,
    friendly_name,
    unique_id,
)
from hub.registry.records import Device, Entity

KEY = DeviceKey("farm", "logger")


def device(name="Cold store", **facts):
    return Device(id="d", key=KEY, name=name, **facts)


def entity(info, **facts):
    return Entity(series=1, device=KEY, key="t", entity_id="sensor.x", info=info, **facts)


@pytest.mark.parametrize(
    ("info", "entity_id"),
    [
        (EntityInfo(name="Temperature"), "sensor.cold_store_temperature"),
        (EntityInfo(name=None), "sensor.cold_store"),
        (EntityInfo(name=""), "sensor.cold_store"),
        (EntityInfo(domain="binary_sensor", name="Door"), "binary_sensor.cold_store_door"),
    ],
)
def test_an_entity_id_follows_from_device_and_entity_name(info, entity_id):
    assert entity_id_for(device(), "t", info, ()) == entity_id


def test_the_users_name_for_a_device_comes_first():
    named = device(name_by_user="Freezer")

    assert entity_id_for(named, "t", EntityInfo(name="T"), ()) == "sensor.freezer_t"
    assert friendly_name(named, entity(EntityInfo(name="T"))) == "Freezer T"
    assert friendly_name(named, entity(EntityInfo())) == "Freezer"
    assert friendly_name(named, entity(EntityInfo(name="T"), name_by_user="Mine")) == "Mine"


@given(st.text(max_size=300), st.text(max_size=300) | st.none())
def test_every_name_gives_a_valid_entity_id(device_name, entity_name):
    info = EntityInfo(name=entity_name)
    first = entity_id_for(device(device_name), "t", info, ())

    assert is_entity_id(first)
    second = entity_id_for(device(device_name), "t", info, {first})
    assert is_entity_id(second)
    assert second != first


@pytest.mark.parametrize("taken", [0, 1, 2, 3, 4, 7, 100])
def test_a_taken_id_gets_the_next_number(taken):
    held = {"sensor.a", *(f"sensor.a_{n}" for n in range(2, taken + 1))} if taken else set()

    wanted = "sensor.a" if not taken else f"sensor.a_{max(2, taken + 1)}"
    assert unique_id("sensor", "a", held) == wanted


def test_thousands_of_one_name_are_numbered_quickly():
    class Counting(set):
        count = 0

        def __contains__(self, item):
            Counting.count += 1
            return super().__contains__(item)

    held = Counting({"sensor.a", *(f"sensor.a_{n}" for n in range(2, 50_000))})

    assert unique_id("sensor", "a", held) == "sensor.a_50000"
    assert Counting.count < 50


def test_attributes_have_home_assistants_names_and_the_users_wishes():
    info = EntityInfo(
        name="T", unit="°C", device_class="temperature", state_class="measurement",
        icon="mdi:a", options=("a", "b"), attributes={"probe": 1},
    )  # fmt: skip
    wishes = {"unit_of_measurement": "°F", "device_class": "heat"}

    assert attributes_for(device(), entity(info)) == {
        "probe": 1,
        "state_class": "measurement",
        "options": ["a", "b"],
        "unit_of_measurement": "°C",
        "device_class": "temperature",
        "icon": "mdi:a",
        "friendly_name": "Cold store T",
    }
    mine = attributes_for(device(), entity(info, icon="mdi:b", options=wishes))
    assert (mine["unit_of_measurement"], mine["device_class"], mine["icon"]) == (
        "°F",
        "heat",
        "mdi:b",
    )
    assert attributes_for(device(), entity(EntityInfo())) == {"friendly_name": "Cold store"}


@pytest.mark.parametrize(
    ("value", "domain", "state_class"),
    [(True, "binary_sensor", None), (1, "sensor", "measurement"), ("x", "sensor", None)],
)
def test_what_a_plugin_does_not_describe_follows_from_the_value(value, domain, state_class):
    info = described("soil_moisture", None, value)

    assert (info.domain, info.state_class, info.name) == (domain, state_class, "Soil moisture")
    assert described("_", None, 1).name == "_"
    given_info = EntityInfo()
    assert described("x", given_info, 1) is given_info

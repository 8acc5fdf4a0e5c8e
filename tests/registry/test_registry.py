import msgspec
import pytest

from hub.model import DeviceInfo, DeviceKey, EntityInfo, GatewayInfo, GatewayKey
from hub.registry.records import EntityReader, encode
from hub.registry.registry import Registry, key_text

KEY = DeviceKey("farm", "logger")
GATE = GatewayKey("farm", "gate")


@pytest.fixture
def registry():
    return Registry()


def bodies(registry):
    """Return what a registry would have on disk."""
    entries = registry.devices.values()
    return (
        [encode(g) for g in registry.gateways.values()],
        [encode(e.record) for e in entries],
        [encode(s.entity) for e in entries for s in e.series.values()],
    )


def test_a_gateway_is_written_when_it_is_new_or_other(registry):
    gateway, records = registry.note_gateway(GatewayInfo(key=GATE), 5)
    assert (gateway.name, gateway.created_us) == ("gate", 5)
    assert [r[:2] for r in records] == [("gateway", "farm/gate")]
    assert registry.note_gateway(GatewayInfo(key=GATE), 6)[1] == []

    named = GatewayInfo(key=GATE, name="Barn", model="G1")
    gateway, records = registry.note_gateway(named, 7)
    assert (gateway.name, gateway.model, gateway.created_us, len(records)) == ("Barn", "G1", 5, 1)
    assert registry.note_gateway(GatewayInfo(key=GATE), 8) == (gateway, [])

    connected = GatewayInfo(key=GATE, connections=frozenset({("mac", "aa")}))
    gateway, records = registry.note_gateway(connected, 9)
    assert (gateway.connections, gateway.name, len(records)) == ((("mac", "aa"),), "Barn", 1)


def test_a_devices_connections_only_grow(registry):
    def note(*connections):
        info = DeviceInfo(key=KEY, connections=frozenset(connections))
        entry, is_changed = registry.note_device(info, 5)
        entry.is_stored = True
        return entry.record.connections, is_changed

    assert note(("mac", "a")) == ((("mac", "a"),), True)
    assert note() == ((("mac", "a"),), False)
    assert note(("eui", "b")) == ((("eui", "b"), ("mac", "a")), True)
    assert note(("mac", "a")) == ((("eui", "b"), ("mac", "a")), False)


def test_what_a_plugin_leaves_out_stays(registry):
    registry.note_device(DeviceInfo(key=KEY, name="Cold store", model="L1"), 5)
    entry, _ = registry.note_device(DeviceInfo(key=KEY, model="L2"), 6)

    record = entry.record
    assert (record.name, record.model, record.created_us, record.modified_us) == (
        "Cold store",
        "L2",
        5,
        6,
    )


@pytest.mark.parametrize(
    ("info", "value", "is_numeric"),
    [
        (None, 1, True),
        (None, True, False),
        (None, "x", False),
        (EntityInfo(unit="°C"), "21", True),
        (EntityInfo(state_class="total"), None, True),
        (EntityInfo(), 1.5, True),
    ],
)
def test_whether_an_entity_is_numeric_is_decided_once(registry, info, value, is_numeric):
    entry, _ = registry.note_device(DeviceInfo(key=KEY), 5)

    assert registry.note_series(entry, "t", info, value, 5).entity.is_numeric is is_numeric


def test_numbers_of_series_are_never_given_twice(registry):
    entry, _ = registry.note_device(DeviceInfo(key=KEY), 5)
    for name in "abc":
        registry.note_series(entry, name, None, 1, 5)
    gateways, devices, entities = bodies(registry)

    # The device's record is missing, as after damage; one entity was deleted.
    again = Registry()
    again.load(gateways, [], entities[:1], entities[1:2])
    entry, _ = again.note_device(DeviceInfo(key=KEY), 5)
    assert again.note_series(entry, "new", None, 1, 5).entity.series == 3

    whole = Registry()
    whole.load(gateways, devices, entities)
    assert len(whole) == len(list(whole.entities())) == 3
    entry = whole.devices[KEY]
    assert whole.note_series(entry, "new", None, 1, 5).entity.series == 4
    assert whole.device_of(entry.series["a"].entity) is entry.record


def test_an_entity_that_lives_is_not_remembered_as_deleted(registry):
    entry, _ = registry.note_device(DeviceInfo(key=KEY), 5)
    registry.note_series(entry, "a", None, 1, 5)
    gateways, devices, entities = bodies(registry)

    again = Registry()
    again.load(gateways, devices, entities, entities)

    assert again.deleted == {}


def test_equal_descriptions_are_shared_in_memory(registry):
    for name in ("a", "b"):
        entry, _ = registry.note_device(DeviceInfo(key=DeviceKey("farm", name)), 5)
        registry.note_series(entry, "t", EntityInfo(name="T", options=("x",)), 1, 5)
    _, _, entities = bodies(registry)
    reader = EntityReader()

    one, two = [reader.read(body) for body in entities]

    assert one.info is two.info
    assert one.info == EntityInfo(name="T", options=("x",))
    with pytest.raises(msgspec.DecodeError):
        reader.read(b"{}")


def test_a_key_is_written_as_one_text():
    assert key_text(KEY) == "farm/logger"

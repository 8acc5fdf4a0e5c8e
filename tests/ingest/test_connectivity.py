import pytest
from msgspec import structs

from hub.ingest.presence import RETRY_US
from hub.model import DeviceInfo, DeviceKey, GatewayInfo

ENTITY = "binary_sensor.gate_connectivity"
CHANGED = "state_changed"


def device_of(rig):
    return DeviceKey(*rig.gateway)


async def hear(rig, *readings, **facts):
    await rig.ingest(*readings, gateways=(rig.heard(90, name="Gate", **facts),))
    await rig.committed()


async def pass_time(rig, seconds):
    await rig.clock.advance(seconds)
    rig.path.presence.look()
    await rig.committed()


def shown(rig):
    state = rig.states.get(ENTITY)
    return None if state is None else state.state


def uptime(rig):
    return rig.states.get(rig.series("uptime", device_of(rig)).entity.entity_id)


async def values(rig):
    series = rig.series("connectivity", device_of(rig)).entity.series
    return [row.value for row in await rig.store.history.rows(series)]


async def test_a_gateway_gets_an_entity_on_its_own_device(rig):
    await hear(rig, manufacturer="Acme", connections=frozenset({("mac", "1")}))

    state = rig.states.get(ENTITY)
    assert state.state == "on"
    assert state.attributes["device_class"] == "connectivity"
    assert state.attributes["friendly_name"] == "Gate Connectivity"
    entity = rig.registry.entity(ENTITY)
    assert (entity.device, entity.key) == (device_of(rig), "connectivity")
    assert entity.info.category == "diagnostic"
    device = rig.registry.device_of(entity)
    assert (device.name, device.manufacturer) == ("Gate", "Acme")
    assert device.connections == (("mac", "1"),)


async def test_the_device_that_a_plugin_described_is_left_as_it_is(rig):
    info = DeviceInfo(key=device_of(rig), name="North gate", model="X")
    await rig.ingest(devices=(info,), gateways=(rig.heard(90, name="Gate"),))
    await rig.committed()

    [entity] = rig.registry.entities()
    assert entity.entity_id == "binary_sensor.north_gate_connectivity"
    assert rig.registry.device_of(entity).model == "X"


async def test_it_follows_the_gateway_and_history_has_the_changes_alone(rig):
    for _ in range(3):
        await hear(rig)
        await pass_time(rig, 60)
    assert (shown(rig), await values(rig)) == ("on", [True])

    await pass_time(rig, 30)
    assert (shown(rig), await values(rig)) == ("off", [True, False])

    await rig.clock.advance(1)
    await hear(rig)
    assert (shown(rig), await values(rig)) == ("on", [True, False, True])


async def test_after_a_start_it_is_what_it_was_until_the_gateway_is_heard_or_missed(rig):
    await hear(rig)
    await rig.reopen()
    assert rig.states.get(ENTITY).attributes["restored"]
    assert shown(rig) == "on"

    await rig.clock.advance(1)
    await hear(rig)
    assert "restored" not in rig.states.get(ENTITY).attributes
    assert (shown(rig), await values(rig)) == ("on", [True])

    await rig.reopen()
    await pass_time(rig, 90)
    assert (shown(rig), await values(rig)) == ("off", [True, False])


async def test_a_group_has_none(rig):
    await rig.ingest(gateways=(GatewayInfo(key=rig.gateway, name="Gate", is_group=True),))
    await rig.committed()
    await pass_time(rig, 900)

    assert len(rig.states) == len(rig.registry.devices) == 0


async def test_what_an_absent_gateway_told_of_itself_is_unavailable(rig):
    own = DeviceInfo(key=device_of(rig), name="Gate")
    await rig.ingest(
        rig.reading(2400, key="uptime", device=device_of(rig), info=None),
        rig.reading(21.5),
        devices=(own, rig.told()),
        gateways=(rig.heard(90),),
    )
    await rig.committed()

    await pass_time(rig, 90)

    assert uptime(rig).state == "unavailable"
    assert shown(rig) == "off"
    assert rig.state().state == "21.5"


async def test_a_gateway_whose_device_is_stale_by_itself_is_still_connected(rig):
    own = DeviceInfo(key=device_of(rig), name="Gate", interval=rig.at(10) - rig.at())
    await rig.ingest(
        rig.reading(2400, key="uptime", device=device_of(rig), info=None),
        devices=(own,),
        gateways=(rig.heard(90),),
    )
    await rig.committed()

    await pass_time(rig, 30)
    assert uptime(rig).state == "unavailable"
    assert shown(rig) == "on"
    await pass_time(rig, 60)

    assert shown(rig) == "off"
    number = rig.series("uptime", device_of(rig)).entity.series
    assert [row.value for row in await rig.store.history.rows(number)] == [2400, None]


async def test_a_device_that_its_gateway_took_along_is_not_missed_once_more(rig):
    missed = []
    rig.path.presence.gone = lambda entry, _context: missed.append(entry)
    # The gateway is missed before its device, in the same look.
    own = DeviceInfo(key=device_of(rig), name="Gate", interval=rig.at(31) - rig.at())
    reading = rig.reading(2400, key="uptime", device=device_of(rig), info=None)
    await rig.ingest(reading, devices=(own,), gateways=(rig.heard(90),))
    await rig.committed()

    await pass_time(rig, 100)

    assert missed == []
    assert uptime(rig).state == "unavailable"


async def test_what_went_with_a_gateway_has_the_right_times_after_a_start(rig):
    own = DeviceInfo(key=device_of(rig), name="Gate")
    reading = rig.reading(2400, key="uptime", device=device_of(rig), info=None)
    await rig.ingest(reading, devices=(own,), gateways=(rig.heard(90),))
    await rig.committed()
    await pass_time(rig, 90)
    before = [(rig.states.get(ENTITY).last_updated, uptime(rig).last_updated)]

    await rig.reopen()

    assert [(rig.states.get(ENTITY).last_updated, uptime(rig).last_updated)] == before
    assert (shown(rig), uptime(rig).state) == ("off", "unavailable")


async def test_a_connectivity_of_a_device_that_is_no_gateway_is_an_entity_like_others(rig):
    await rig.ingest(rig.reading(True, key="connectivity", info=None), devices=(rig.told(60),))

    await pass_time(rig, 180)

    assert rig.state("connectivity").state == "unavailable"


@pytest.mark.parametrize("is_back", [True, False])
async def test_what_could_not_be_stored_is_tried_again(rig, caplog, is_back):
    own = DeviceInfo(key=device_of(rig), name="Gate")
    reading = rig.reading(2400, key="uptime", device=device_of(rig), info=None)
    await rig.ingest(reading, devices=(own,), gateways=(rig.heard(90),))
    await rig.committed()
    rig.store.writer._is_open = False
    await rig.clock.advance(90)
    rig.path.presence.look()
    rig.store.writer._is_open = True
    await rig.committed()
    assert "could not be stored" in caplog.text
    assert shown(rig) == "on"

    if is_back:
        await hear(rig, rig.reading(7, key="uptime", device=device_of(rig), info=None))
    await pass_time(rig, RETRY_US / 1e6)

    assert shown(rig) == ("on" if is_back else "off")
    expected = "7" if is_back else "unavailable"
    assert uptime(rig).state == expected


async def test_a_user_may_disable_it(rig):
    await hear(rig)
    series = rig.series("connectivity", device_of(rig))
    series.entity = structs.replace(series.entity, disabled_by="user")
    rig.states.remove(ENTITY)

    await pass_time(rig, 90)

    assert shown(rig) is None

import datetime as dt
import errno

import pytest

from hub.errors import RegistryError, StorageFull
from hub.model import Context

T = "sensor.cold_store_temperature"
CHANGED = "state_changed"
ENTITY = "entity_registry_updated"
DEVICE = "device_registry_updated"


def full(_place):
    raise OSError(errno.ENOSPC, "no space left")


async def test_a_renamed_entity_takes_its_state_and_history_along(house):
    await house.clock.advance(5)
    context = Context(user_id="ann")

    entity = await house.changes.update_entity(
        T, {"new_entity_id": "sensor.freezer"}, context=context
    )

    assert entity.entity_id == "sensor.freezer"
    assert house.states.get(T) is None
    assert house.states.get("sensor.freezer").state == "21.5"
    removed, appeared, updated = house.taken()
    assert (removed.entity_id, removed.new_state) == (T, None)
    assert (appeared.entity_id, appeared.old_state) == ("sensor.freezer", None)
    assert (updated.action, updated.entity_id) == ("update", "sensor.freezer")
    assert updated.changes == {"entity_id": T}
    assert {e.context.id for e in (removed, appeared, updated)} == {context.id}
    await house.send(22.5, 1)
    assert house.states.get("sensor.freezer").state == "22.5"
    await house.reopen()
    assert house.registry.entity("sensor.freezer").series == entity.series
    assert house.states.get("sensor.freezer").state == "22.5"
    assert house.registry.entity(T) is None


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        ("sensor.Cold", "expected an entity id"),
        ("cold", "expected an entity id"),
        (5, "expected an entity id"),
        ("switch.cold", "must keep what stands before the point"),
        ("sensor.cold_store_other", "is taken"),
        ("sensor.posted", "is taken"),
    ],
)
async def test_an_id_that_does_not_fit_or_is_taken_is_refused(house, new, problem):
    from hub.model import EntityInfo

    house.states.set("sensor.posted", "1")
    entry = house.registry.devices[house.key]
    house.registry.note_series(entry, "o", EntityInfo(name="Other"), 1, 0)
    house.taken()

    with pytest.raises(RegistryError, match=problem):
        await house.changes.update_entity(T, {"new_entity_id": new})

    assert house.registry.entity(T) is not None
    assert house.taken() == []


async def test_name_icon_and_options_show_in_the_state(house):
    await house.clock.advance(5)

    entity = await house.changes.update_entity(
        T, {"name": " Freezer ", "icon": "mdi:snow", "options": {"unit_of_measurement": "K"}}
    )

    assert (entity.name_by_user, entity.modified_us) == ("Freezer", house.now_us())
    state = house.states.get(T)
    assert state.attributes["friendly_name"] == "Freezer"
    assert state.attributes["icon"] == "mdi:snow"
    assert state.attributes["unit_of_measurement"] == "K"
    assert state.last_changed < state.last_updated
    change, update = house.taken()
    assert change.type == CHANGED
    assert update.changes == {"name": None, "icon": None, "options": None}
    await house.changes.update_entity(T, {"name": "", "icon": None})
    assert house.states.get(T).name == "Cold store Temperature"


async def test_what_does_not_show_changes_no_state(house):
    area = await house.areas.create("Barn")
    label = await house.labels.create("Frozen")
    house.taken()

    entity = await house.changes.update_entity(
        T, {"area_id": area, "labels": [label], "aliases": ["b", "a", "b"], "hidden_by": "user"}
    )

    assert (entity.area_id, entity.labels, entity.aliases) == ("barn", ("frozen",), ("a", "b"))
    assert entity.hidden_by == "user"
    [event] = house.taken()
    assert event.type == ENTITY
    assert set(event.changes) == {"area_id", "labels", "aliases", "hidden_by"}
    await house.reopen()
    assert house.registry.entity(T) == entity


async def test_a_change_that_changes_nothing_writes_and_tells_nothing(house):
    before = house.store.writer.counters.batch_count

    await house.changes.update_entity(T, {"name": None, "new_entity_id": T, "labels": []})
    await house.changes.update_device(house.device_id, {"area_id": None})

    assert house.store.writer.counters.batch_count == before
    assert house.taken() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"colour": "red"}, f"{T}: colour can't be changed; there are new_entity_id, name"),
        ({"name": 5}, "name: expected text of at most 255 characters, or null, got 5"),
        ({"name": "x" * 256}, "name: expected text"),
        ({"labels": "frozen"}, "labels: expected a list of at most 100 texts"),
        ({"labels": [1]}, "labels: expected a list"),
        ({"aliases": [""]}, "aliases: expected a list"),
        ({"options": []}, "options: expected a mapping"),
        ({"hidden_by": "integration"}, "hidden_by: expected 'user' or null"),
        ({"disabled_by": True}, "disabled_by: expected 'user' or null"),
        ({"area_id": "moon"}, "there is no area moon; create it first"),
        ({"labels": ["cheese"]}, "there is no label cheese; create it first"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_name(house, changes, problem):
    with pytest.raises(RegistryError) as error:
        await house.changes.update_entity(T, changes)

    assert problem in str(error.value)
    assert house.taken() == []


async def test_what_is_unknown_is_refused(house):
    for change in (
        house.changes.update_entity("sensor.x", {}),
        house.changes.remove_entity("sensor.x"),
        house.changes.update_device("x", {}),
        house.changes.remove_device("x"),
        house.changes.enable_device("x"),
    ):
        with pytest.raises(RegistryError, match="there is no such"):
            await change


async def test_a_disabled_entity_has_no_state_until_a_reading_after_it_was_enabled(house):
    await house.changes.update_entity(T, {"disabled_by": "user"})
    assert house.states.get(T) is None
    assert [e.type for e in house.taken()] == [CHANGED, ENTITY]
    await house.send(22, 1)
    await house.reopen()
    assert house.states.get(T) is None

    await house.changes.update_entity(T, {"disabled_by": None})
    assert house.states.get(T) is None
    await house.send(23, 2)

    assert house.states.get(T).state == "23"
    rows = await house.store.history.rows(house.registry.entity(T).series)
    assert [row.value for row in rows] == [21.5, 23]


async def test_a_disabled_entity_may_be_renamed_without_a_state(house):
    await house.changes.update_entity(T, {"disabled_by": "user"})
    await house.changes.update_entity(T, {"new_entity_id": "sensor.freezer"})
    house.taken()
    await house.changes.update_entity("sensor.freezer", {"disabled_by": None})
    await house.changes.update_entity("sensor.freezer", {"icon": "mdi:x"})

    assert house.states.get("sensor.freezer") is None
    assert [e.type for e in house.taken()] == [ENTITY, ENTITY]


async def test_a_device_is_renamed_in_the_names_of_its_entities(house):
    await house.send(1, 1, keys=("t", "u"))
    house.taken()

    device = await house.changes.update_device(house.device_id, {"name_by_user": "Freezer"})

    assert device.shown_name == "Freezer"
    assert house.states.get(T).name == "Freezer Temperature"
    assert [e.type for e in house.taken()] == [CHANGED, CHANGED, DEVICE]
    await house.send(2, 2, name="Plugin's name")
    assert house.states.get(T).name == "Freezer Temperature"
    await house.reopen()
    assert house.registry.devices[house.key].record.name_by_user == "Freezer"


async def test_a_device_moves_without_a_change_of_state(house):
    area = await house.areas.create("Barn")
    house.taken()

    await house.changes.update_device(house.device_id, {"area_id": area})

    [event] = house.taken()
    assert (event.type, event.changes) == (DEVICE, {"area_id": None})


async def test_a_disabled_device_has_no_states_until_it_is_enabled_and_heard(house):
    await house.send(1, 1, keys=("t", "u"))
    house.taken()

    await house.changes.update_device(house.device_id, {"disabled_by": "user"})
    assert len(house.states) == 0
    assert [e.type for e in house.taken()] == [CHANGED, CHANGED, DEVICE]
    await house.send(2, 2)
    assert len(house.states) == 0
    await house.changes.enable_device(house.device_id)
    await house.send(3, 3)

    assert house.states.get(T).state == "3"


async def test_a_removed_entity_comes_back_with_its_ids_and_wishes(house):
    await house.changes.update_entity(T, {"new_entity_id": "sensor.freezer", "name": "Mine"})
    number = house.registry.entity("sensor.freezer").series
    house.taken()

    await house.changes.remove_entity("sensor.freezer")

    assert house.registry.entity("sensor.freezer") is None
    assert len(house.states) == len(house.registry) == 0
    assert [(e.type, getattr(e, "action", None)) for e in house.taken()] == [
        (CHANGED, None),
        (ENTITY, "remove"),
    ]
    await house.reopen()
    assert len(house.states) == 0
    await house.send(23, 10)

    entity = house.registry.entity("sensor.freezer")
    assert (entity.series, entity.name_by_user) == (number, "Mine")
    assert house.states.get("sensor.freezer").state == "23"
    rows = await house.store.history.rows(number)
    assert [row.value for row in rows] == [21.5, 23]
    await house.reopen()
    assert house.registry.entity("sensor.freezer").series == number
    assert house.registry.deleted == {}


async def test_an_id_that_was_taken_in_the_meantime_is_not_taken_back(house):
    await house.changes.remove_entity(T)
    await house.send(1, 1, keys=("other",))
    assert house.registry.entity(T).key == "other"

    await house.send(2, 2)

    assert house.registry.entity(f"{T}_2").key == "t"


async def test_a_removed_device_goes_with_its_entities_and_they_come_back(house):
    await house.send(1, 1, keys=("t", "u"))
    numbers = {e.series for e in house.registry.entities()}
    old = house.device_id
    house.taken()

    await house.changes.remove_device(old)

    assert house.registry.devices == house.registry.by_device_id == {}
    assert len(house.states) == 0
    assert [e.type for e in house.taken()] == [CHANGED, ENTITY, CHANGED, ENTITY, DEVICE]
    await house.reopen()
    assert house.registry.devices == {}
    await house.send(2, 2, keys=("t", "u"))
    assert {e.series for e in house.registry.entities()} == numbers


async def test_readings_under_way_of_a_removed_entity_show_nothing(house):
    prepared = house.path._preparer.start(batch_of(house))
    house.path._preparer.add(prepared, batch_of(house).readings)
    await house.changes.remove_entity(T)
    house.taken()

    await house.store.writer.submit(prepared.write)
    await house.clock.settle()

    assert house.taken(CHANGED) == []
    assert house.states.get(T) is None


def batch_of(house):
    from hub.model import Batch, Reading

    return Batch(
        received=house.clock.now(),
        readings=[Reading(house.key, "t", 5, house.clock.now() + dt.timedelta(seconds=9))],
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.changes.update_entity(T, {"new_entity_id": "sensor.freezer", "name": "x"}),
        lambda h: h.changes.update_entity(T, {"disabled_by": "user"}),
        lambda h: h.changes.remove_entity(T),
        lambda h: h.changes.update_device(h.device_id, {"name_by_user": "x"}),
        lambda h: h.changes.remove_device(h.device_id),
    ],
)
async def test_a_change_that_can_not_be_stored_changes_nothing(house, change):
    entity = house.registry.entity(T)
    state = house.states.get(T)
    house.store.writer.fault = full

    with pytest.raises(StorageFull):
        await change(house)

    house.store.writer.fault = None
    await house.write([])
    assert house.states.get(T) is state
    assert house.registry.entity(T).name_by_user is None
    assert house.registry.entity(T).entity_id == entity.entity_id
    assert house.registry.entity("sensor.freezer") is None
    assert house.registry.devices[house.key].record.name_by_user is None
    assert house.taken() == []


async def test_an_area_that_is_deleted_leaves_entities_and_devices(house):
    area = await house.areas.create("Barn")
    await house.changes.update_entity(T, {"area_id": area})
    await house.changes.update_device(house.device_id, {"area_id": area})

    await house.areas.delete(area)

    assert house.registry.entity(T).area_id is None
    assert house.registry.devices[house.key].record.area_id is None


async def test_a_label_that_is_deleted_leaves_entities_and_devices(house):
    for name in ("Frozen", "Wet"):
        await house.labels.create(name)
    await house.changes.update_entity(T, {"labels": ["frozen", "wet"]})
    await house.changes.update_device(house.device_id, {"labels": ["frozen"]})

    await house.labels.delete("frozen")

    assert house.registry.entity(T).labels == ("wet",)
    assert house.registry.devices[house.key].record.labels == ()


async def test_what_was_deleted_is_forgotten_after_thirty_days_but_no_number_returns(house):
    await house.send(1, 1, keys=("t", "u", "v"))
    for entity in list(house.registry.entities()):
        await house.changes.remove_entity(entity.entity_id)
    assert await house.changes.forget_deleted() == 0
    await house.clock.advance(30 * 86_400 + 1)

    assert await house.changes.forget_deleted() == 2

    assert [e.series for e in house.registry.deleted.values()] == [3]
    await house.reopen()
    await house.send(1, 1, keys=("w",))
    assert [e.series for e in house.registry.entities()] == [4]

import pytest

from hub.errors import RegistryError
from hub.registry.areas import area_of

T = "sensor.cold_store_temperature"


async def test_an_area_has_a_slug_for_an_id_and_is_told(house):
    area = await house.areas.create(" Grüne Scheune ", {"icon": "mdi:barn", "aliases": ["b", "a"]})

    assert area == "grune_scheune"
    assert house.areas.get(area) == {
        "name": "Grüne Scheune",
        "icon": "mdi:barn",
        "aliases": ["a", "b"],
    }
    [event] = house.taken()
    assert (event.type, event.action, event.area_id) == ("area_registry_updated", "create", area)
    await house.reopen()
    assert list(house.areas) == [area]


async def test_two_names_of_one_slug_get_two_ids(house):
    assert [await house.areas.create(name) for name in ("Barn", "Barn!", "Barn?")] == [
        "barn",
        "barn_2",
        "barn_3",
    ]


@pytest.mark.parametrize("name", ["", "  ", "x" * 256, 5, None])
async def test_a_name_that_does_not_fit_is_refused(house, name):
    with pytest.raises(RegistryError, match="area: expected a name of 1 to 255 characters"):
        await house.areas.create(name)


async def test_a_name_is_given_once_whatever_its_case(house):
    await house.areas.create("Barn")
    other = await house.areas.create("Field")

    with pytest.raises(RegistryError, match="area BARN: the name is taken by barn"):
        await house.areas.create("BARN")
    with pytest.raises(RegistryError, match="taken by barn"):
        await house.areas.update(other, {"name": "barn"})


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"size": 5}, "size is unknown; there are name, icon, picture, aliases, labels"),
        ({"icon": 5}, "icon: expected text, got 5"),
        ({"aliases": "x"}, "aliases: expected a list of texts"),
        ({"aliases": [5]}, "aliases: expected a list of texts"),
    ],
)
async def test_a_fact_that_does_not_fit_is_refused(house, facts, problem):
    with pytest.raises(RegistryError, match=problem):
        await house.areas.create("Barn", facts)

    assert house.areas.all() == {}


async def test_an_area_keeps_its_id_when_it_is_renamed(house):
    area = await house.areas.create("Barn")
    house.taken()

    new = await house.areas.update(area, {"name": "Stable", "icon": "mdi:x"})
    again = await house.areas.update(area, {"name": "Stable"})

    assert new == again == {"name": "Stable", "icon": "mdi:x"}
    assert [(e.action, e.area_id) for e in house.taken()] == [("update", "barn")]


async def test_a_deleted_area_is_gone_and_told(house):
    area = await house.areas.create("Barn")
    house.taken()

    await house.areas.delete(area)

    assert area not in house.areas
    assert [e.action for e in house.taken()] == ["remove"]
    for change in (house.areas.delete(area), house.areas.update(area, {})):
        with pytest.raises(RegistryError, match="area barn: there is no such area"):
            await change


async def test_areas_are_listed_by_name(house):
    for name in ("b", "C", "a"):
        await house.areas.create(name)

    assert [area["name"] for area in house.areas.all().values()] == ["a", "b", "C"]
    assert 5 not in house.areas


async def test_labels_have_a_colour(house):
    label = await house.labels.create("Frozen", {"color": "blue", "description": None})

    assert house.labels.get(label) == {"name": "Frozen", "color": "blue", "description": None}
    [event] = house.taken()
    assert (event.type, event.label_id) == ("label_registry_updated", "frozen")


async def test_there_is_a_bound_on_labels(house, monkeypatch):
    monkeypatch.setattr("hub.registry.areas._MOST", 1)
    await house.labels.create("a")

    with pytest.raises(RegistryError, match="label b: there are 1 already"):
        await house.labels.create("b")


async def test_an_entity_lies_in_its_devices_area_unless_it_has_its_own(house):
    for name in ("Barn", "Field"):
        await house.areas.create(name)
    assert area_of(house.registry, house.registry.entity(T)) is None

    await house.changes.update_device(house.device_id, {"area_id": "barn"})
    assert area_of(house.registry, house.registry.entity(T)) == "barn"
    await house.changes.update_entity(T, {"area_id": "field"})
    assert area_of(house.registry, house.registry.entity(T)) == "field"

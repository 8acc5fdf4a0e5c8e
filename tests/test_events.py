import pytest

import hub
from hub import events
from hub.clock import from_us
from hub.event import CustomEvent, Event, type_of
from hub.events import EVENT_TYPES, StateChanged


def all_events():
    return [
        value
        for value in vars(events).values()
        if isinstance(value, type)
        and issubclass(value, Event)
        and value not in {Event, CustomEvent}
    ]


def test_the_table_is_the_whole_vocabulary():
    assert {e.type: e for e in all_events()} == EVENT_TYPES
    assert len(all_events()) == len(EVENT_TYPES)


@pytest.mark.parametrize("event", all_events(), ids=lambda e: e.__name__)
def test_every_event_has_a_sentence_and_a_name_on_the_wire(event):
    assert "." in event.__doc__
    assert event.type.islower()
    assert len(event.type) <= 64


def test_home_assistants_names_are_kept():
    for name in (
        "state_changed", "state_reported", "call_service", "service_registered",
        "entity_registry_updated", "device_registry_updated", "area_registry_updated",
        "automation_triggered", "homeassistant_start", "homeassistant_stop",
    ):  # fmt: skip
        assert name in EVENT_TYPES


def test_the_data_of_an_event_is_what_home_assistant_shows():
    event = StateChanged("sensor.a", None, None, True, fired_us=5)

    assert event.data == {"entity_id": "sensor.a", "old_state": None, "new_state": None}
    assert event.time_fired == from_us(5)
    assert type_of(event) == "state_changed"


def test_a_custom_event_has_a_name_and_data_of_its_own():
    event = CustomEvent(name="bell", payload={"a": 1})

    assert type_of(event) == "bell"
    assert event.data == {"a": 1}


def test_the_door_is_sorted_and_complete():
    assert sorted(hub.__all__, key=lambda n: (not n.isupper(), not n[0].isupper(), n)) == list(
        hub.__all__
    )
    for name in hub.__all__:
        assert hasattr(hub, name)

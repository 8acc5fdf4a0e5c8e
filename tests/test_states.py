import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.bus import Bus
from hub.clock import UTC, to_us
from hub.errors import RegistryError
from hub.events import StateChanged, StateReported
from hub.model import Context
from hub.state import State
from hub.states import States
from hub.testing.clock import ManualClock

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock():
    return ManualClock(NOON)


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def states(bus, clock):
    return States(bus, clock)


@pytest.fixture
def changes(bus):
    found = []
    bus.subscribe(StateChanged, found.append, owner="test")
    return found


@pytest.fixture
def reports(bus):
    found = []
    bus.subscribe(StateReported, found.append, owner="test")
    return found


async def test_a_first_state_is_a_change_from_nothing(states, changes):
    context = Context(user_id="ann")

    state = states.set("sensor.barn", "21.5", {"unit_of_measurement": "°C"}, context=context)

    assert states.get("sensor.barn") is state
    assert state.last_changed == state.last_updated == state.last_reported == NOON
    assert state.context is context
    [event] = changes
    assert (event.entity_id, event.old_state, event.new_state) == ("sensor.barn", None, state)
    assert event.context is context
    assert event.time_fired == NOON
    assert not event.is_late


async def test_the_same_again_moves_last_reported_alone(states, clock, changes, reports):
    first = states.set("sensor.barn", "21.5", {"a": 1})
    await clock.advance(5)

    again = states.set("sensor.barn", "21.5", {"a": 1})

    assert again.last_changed == again.last_updated == NOON
    assert again.last_reported == NOON + dt.timedelta(seconds=5)
    assert again.context is first.context
    assert len(changes) == 1
    [event] = reports
    assert event.new_state is again
    assert event.old_last_reported_us == to_us(NOON)
    assert event.data == {
        "entity_id": "sensor.barn",
        "new_state": again,
        "old_last_reported_us": to_us(NOON),
    }


async def test_new_attributes_alone_leave_last_changed(states, clock, changes, reports):
    states.set("sensor.barn", "21.5", {"a": 1})
    await clock.advance(5)

    other = states.set("sensor.barn", "21.5", {"a": 2})

    assert other.last_changed == NOON
    assert other.last_updated == other.last_reported == NOON + dt.timedelta(seconds=5)
    assert len(changes) == 2
    assert changes[1].old_state.attributes == {"a": 1}
    assert reports == []


async def test_a_new_text_moves_all_three_times(states, clock, changes):
    states.set("sensor.barn", "21.5")
    await clock.advance(5)

    new = states.set("sensor.barn", "22")

    later = NOON + dt.timedelta(seconds=5)
    assert (new.last_changed, new.last_updated, new.last_reported) == (later,) * 3
    assert [c.new_state.state for c in changes] == ["21.5", "22"]


async def test_force_update_makes_the_same_a_change(states, clock, changes, reports):
    states.set("sensor.barn", "on")
    await clock.advance(5)

    new = states.set("sensor.barn", "on", force_update=True)

    assert new.last_changed == NOON + dt.timedelta(seconds=5)
    assert len(changes) == 2
    assert reports == []


async def test_a_report_never_reaches_those_who_listen_to_everything(bus, states, reports):
    everything = []
    bus.subscribe("*", everything.append, owner="test")

    states.set("sensor.barn", "on")
    states.set("sensor.barn", "on")

    assert [e.type for e in everything] == ["state_changed"]
    assert len(reports) == 1


async def test_without_listeners_states_change_all_the_same(bus, states):
    states.set("sensor.barn", "on")
    states.set("sensor.barn", "on")
    states.set("sensor.barn", "off")

    assert states.get("sensor.barn").state == "off"
    assert bus.published_count == 0


async def test_a_removed_state_is_a_change_to_nothing(states, changes):
    states.set("sensor.barn", "on")
    context = Context()

    assert states.remove("sensor.barn", context=context)

    assert states.get("sensor.barn") is None
    assert "sensor.barn" not in states
    assert states.domains() == []
    assert (changes[1].old_state.state, changes[1].new_state) == ("on", None)
    assert changes[1].context is context
    assert not states.remove("sensor.barn")
    assert len(changes) == 2


async def test_what_the_caller_edits_afterwards_changes_no_state(states, changes):
    attributes = {"a": 1}
    states.set("sensor.barn", "on", attributes)
    attributes["a"] = 2
    assert states.get("sensor.barn").attributes == {"a": 1}

    states.set("sensor.barn", "on", attributes)

    assert len(changes) == 2


async def test_attributes_can_not_be_edited_through_a_state(states):
    state = states.set("sensor.barn", "on", {"a": 1})

    with pytest.raises(TypeError):
        state.attributes["a"] = 2


@pytest.mark.parametrize(
    "entity_id",
    [
        "", "sensor", "sensor.", ".barn", "Sensor.barn", "sensor.Barn", "sensor.a.b", "sensor.a b",
        "sensor._a", "sensor.a_", "_sensor.a", "sensor_.a", "sensor.a__b", "se__nsor.a",
        "sensor.a-b", "sensor.é", "sensor.a\n", "sensor.٣", "sensor." + "a" * 249,
    ],
)  # fmt: skip
async def test_a_malformed_entity_id_is_refused(states, changes, entity_id):
    with pytest.raises(RegistryError, match="expected an entity id"):
        states.set(entity_id, "on")

    assert len(states) == 0
    assert changes == []


@pytest.mark.parametrize("entity_id", ["sensor.a", "1.2", "a_b.c_d", "sensor." + "a" * 248])
async def test_a_well_formed_entity_id_is_taken(states, entity_id):
    states.set(entity_id, "on")

    assert entity_id in states


async def test_a_text_over_255_characters_is_refused(states):
    states.set("sensor.a", "x" * 255)

    with pytest.raises(RegistryError, match=r"sensor\.a: a state has at most 255 characters"):
        states.set("sensor.a", "x" * 256)

    assert len(states.get("sensor.a").state) == 255


async def test_states_are_listed_in_the_order_in_which_they_appeared(states):
    for entity_id in ("sensor.b", "light.c", "sensor.a"):
        states.set(entity_id, "on")
    states.set("sensor.b", "off")

    assert [s.entity_id for s in states.all()] == ["sensor.b", "light.c", "sensor.a"]
    assert list(states) == ["sensor.b", "light.c", "sensor.a"]
    assert [s.entity_id for s in states.in_domain("sensor")] == ["sensor.b", "sensor.a"]
    assert states.in_domain("switch") == []
    assert states.domains() == ["light", "sensor"]
    assert len(states) == 3


async def test_a_restored_state_fires_nothing_and_keeps_its_times(states, changes, clock):
    old = State("sensor.a", "on", {"restored": True}, 1, 2, 3, Context())
    states.restore(old)
    assert states.get("sensor.a") is old
    assert changes == []

    new = states.set("sensor.a", "on")

    assert new.changed_us == 1
    assert new.updated_us == to_us(NOON)
    assert len(changes) == 1


async def test_a_late_change_is_marked(states, changes):
    states.write("sensor.a", "on", {}, (5, 9), Context(), is_late=True)

    assert changes[0].is_late
    assert "is_late" not in changes[0].data
    state = states.get("sensor.a")
    assert (state.changed_us, state.updated_us, state.reported_us) == (5, 5, 9)


def test_a_state_shows_itself_as_home_assistant_does():
    context = Context(id="01ABC", user_id="ann")
    state = State(
        "sensor.cold_store", "4", {"friendly_name": "Cold"}, 0, 1_000_000, 2_500_000, context
    )

    assert state.as_dict() == {
        "entity_id": "sensor.cold_store",
        "state": "4",
        "attributes": {"friendly_name": "Cold"},
        "last_changed": "1970-01-01T00:00:00+00:00",
        "last_reported": "1970-01-01T00:00:02.500000+00:00",
        "last_updated": "1970-01-01T00:00:01+00:00",
        "context": {"id": "01ABC", "parent_id": None, "user_id": "ann"},
    }
    assert (state.domain, state.object_id, state.name) == ("sensor", "cold_store", "Cold")
    assert repr(state) == "<state sensor.cold_store=4 @ 1970-01-01T00:00:00+00:00>"


def test_a_state_without_a_friendly_name_is_named_after_its_id():
    assert State("sensor.cold_store", "4", {}, 0, 0, 0, Context()).name == "cold store"


def test_states_are_equal_by_what_they_say_and_when():
    one = State("sensor.a", "4", {}, 0, 0, 0, Context())

    assert one == State("sensor.a", "4", {}, 0, 0, 9, Context())
    for other in (
        State("sensor.b", "4", {}, 0, 0, 0, Context()),
        State("sensor.a", "5", {}, 0, 0, 0, Context()),
        State("sensor.a", "4", {"a": 1}, 0, 0, 0, Context()),
        State("sensor.a", "4", {}, 1, 0, 0, Context()),
        State("sensor.a", "4", {}, 0, 1, 0, Context()),
    ):
        assert one != other
    assert one != "sensor.a"
    with pytest.raises(TypeError):
        hash(one)


@given(
    st.lists(st.tuples(st.sampled_from(["on", "off"]), st.sampled_from([{}, {"a": 1}])), min_size=1)
)
def test_times_follow_the_rules_whatever_the_order(steps):
    bus, changes, reports = Bus(), [], []
    bus.subscribe(StateChanged, changes.append, owner="test")
    bus.subscribe(StateReported, reports.append, owner="test")
    states = States(bus, ManualClock(NOON))
    changed = updated = 0
    before = None
    for now, (text, attributes) in enumerate(steps, 1):
        states.write("sensor.a", text, attributes, (now, now), Context())
        if before is None or before[0] != text:
            changed = now
        if before != (text, attributes):
            updated = now
        before = (text, attributes)
        state = states.get("sensor.a")
        assert (state.changed_us, state.updated_us, state.reported_us) == (changed, updated, now)
    assert len(changes) + len(reports) == len(steps)

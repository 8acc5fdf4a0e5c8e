import asyncio
import logging
from typing import ClassVar

import pytest

from hub.bus import MAX_WAITING, Bus
from hub.event import CustomEvent, Event
from hub.events import (
    AreaRegistryUpdated,
    GatewayCameOnline,
    HubStarted,
    ReadingReceived,
    StateChanged,
    StateReported,
)
from hub.model import Context, DeviceKey
from hub.state import State


class PumpPrimed(Event, frozen=True):
    type: ClassVar[str] = "farm.pump_primed"
    pump: str


def area(name, action="create"):
    return AreaRegistryUpdated(action, name)


def reading(key="temperature", value=1.5):
    return ReadingReceived("p", "d", key, f"sensor.{key}", value, 1, 2)


def custom(name, **data):
    return CustomEvent(name=name, payload=data)


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def got(bus):
    """Subscribe a list to events and return it."""

    def subscribe(event, **options):
        found = []
        subscribe.leave = bus.subscribe(event, found.append, owner="test", **options)
        return found

    return subscribe


def test_an_event_reaches_its_subscribers_in_the_order_in_which_they_came(bus):
    order = []
    for name in "abc":
        bus.subscribe(HubStarted, lambda _event, name=name: order.append(name), owner=name)

    bus.publish(HubStarted())

    assert order == ["a", "b", "c"]


def test_an_event_reaches_nobody_who_asked_for_another(bus, got):
    started, areas = got(HubStarted), got(AreaRegistryUpdated)

    bus.publish(HubStarted())

    assert len(started) == 1
    assert areas == []


def test_a_class_and_its_wire_name_are_one_subscription(bus, got):
    by_name, by_class = got("area_registry_updated"), got(AreaRegistryUpdated)

    bus.publish(area("barn"))

    assert len(by_name) == len(by_class) == 1
    assert bus.wants("area_registry_updated")
    assert bus.wants(AreaRegistryUpdated)


@pytest.mark.parametrize("event", [PumpPrimed, "farm.pump_primed"])
def test_a_plugins_own_event_is_found_by_class_and_by_name(bus, got, event):
    found = got(event, where={"pump": "north"})

    bus.publish(PumpPrimed("south"))
    bus.publish(PumpPrimed("north"))

    assert [e.pump for e in found] == ["north"]
    assert bus.wants(PumpPrimed)
    assert bus.wants("farm.pump_primed")


def test_a_custom_event_is_found_by_its_name_alone(bus, got):
    rang, other = got("bell_rang"), got("bell_broke")

    bus.publish(custom("bell_rang", tone="c"))

    assert [e.data for e in rang] == [{"tone": "c"}]
    assert other == []


def test_a_class_without_a_name_can_not_be_subscribed_to(bus):
    with pytest.raises(TypeError, match="wire type"):
        bus.subscribe(CustomEvent, print, owner="test")


@pytest.mark.parametrize(
    ("wanted", "sent", "matches"),
    [
        ("1", "1", True),
        (1, 1, True),
        (1, 1.0, True),
        (True, True, True),
        (None, None, True),
        (1, True, False),
        (True, 1, False),
        (0, False, False),
        ("1", 1, False),
        (1, "1", False),
        (None, 0, False),
        ("", None, False),
    ],
)
@pytest.mark.parametrize("kind", ["typed", "custom", "two fields"])
def test_a_filter_keeps_one_true_and_text_apart(bus, got, kind, wanted, sent, matches):
    if kind == "typed":
        found = got(ReadingReceived, where={"value": wanted})
        bus.publish(reading(value=sent))
    elif kind == "custom":
        found = got("x", where={"value": wanted})
        bus.publish(custom("x", value=sent))
    else:
        found = got(ReadingReceived, where={"value": wanted, "key": "k"})
        bus.publish(reading("k", sent))
        bus.publish(reading("other", sent))

    assert len(found) == matches


def test_a_filter_on_a_key_that_is_a_tuple_matches(bus, got):
    found = got("x", where={"device": DeviceKey("p", "d")})

    bus.publish(custom("x", device=DeviceKey("p", "d")))
    bus.publish(custom("x", device=DeviceKey("p", "e")))

    assert len(found) == 1


@pytest.mark.parametrize("event", ["typed", "custom"])
def test_an_event_without_the_field_or_with_a_list_in_it_does_not_match(bus, got, event):
    name = "x" if event == "custom" else ReadingReceived
    found, other = got(name, where={"value": 1}), got(name, where={"nothing": 1, "value": 1})

    for value in ([1], {"a": 1}):
        bus.publish(custom("x", value=value) if event == "custom" else reading(value=value))
    bus.publish(custom("x"))

    assert found == other == []
    assert bus.failed_count == 0


def test_a_filter_by_something_that_can_not_be_looked_up_is_refused(bus):
    with pytest.raises(TypeError):
        bus.subscribe(ReadingReceived, print, owner="test", where={"value": [1]})

    assert not bus.wants(ReadingReceived)


def test_everything_but_state_reported_reaches_those_who_listen_to_all(bus, got):
    everything = got("*")
    state = State("sensor.a", "1", {}, 1, 1, 1, Context())

    bus.publish(HubStarted())
    bus.publish(custom("x"))
    bus.publish(PumpPrimed("north"))
    bus.publish(StateReported("sensor.a", state))

    assert [type(e) for e in everything] == [HubStarted, CustomEvent, PumpPrimed]
    assert bus.wants(StateChanged)
    assert not bus.wants(StateReported)


class BrokenError(Exception):
    pass


@pytest.mark.parametrize(
    "error", [BrokenError, asyncio.CancelledError, SystemExit], ids=lambda e: e.__name__
)
@pytest.mark.parametrize("options", [{}, {"where": {"area_id": "barn"}}, {"event": "*"}])
def test_a_handler_that_fails_is_named_and_the_others_get_the_event(
    bus, got, caplog, error, options
):
    def fail(_event):
        raise error

    event = options.get("event", AreaRegistryUpdated)
    bus.subscribe(event, fail, owner="clumsy", where=options.get("where"))
    found = got(event)

    bus.publish(area("barn"))
    bus.publish(area("barn"))

    assert len(found) == 2
    assert bus.failed_count == 2
    assert "owner=clumsy event=AreaRegistryUpdated" in caplog.text


def test_a_handler_that_leaves_and_fails_is_still_logged(bus, caplog):
    def fail(_event):
        leave()
        raise BrokenError

    leave = bus.subscribe(HubStarted, fail, owner="gone")

    bus.publish(HubStarted())

    assert "owner=unsubscribed" in caplog.text


def test_what_a_handler_publishes_waits_until_all_have_the_first_event(bus):
    seen = []

    def answer(event):
        seen.append(("a", event.area_id))
        if event.area_id == "1":
            bus.publish(area("2"))
            bus.publish(area("3"))

    bus.subscribe(AreaRegistryUpdated, answer, owner="a")
    bus.subscribe(AreaRegistryUpdated, lambda e: seen.append(("b", e.area_id)), owner="b")

    bus.publish(area("1"))

    assert seen == [(who, number) for number in "123" for who in "ab"]


def test_nested_events_go_on_after_one_of_their_handlers_failed(bus, got):
    def answer(event):
        if event.area_id == "1":
            bus.publish(area("2"))
        raise BrokenError

    bus.subscribe(AreaRegistryUpdated, answer, owner="a")
    found = got(AreaRegistryUpdated)

    bus.publish(area("1"))
    bus.publish(area("3"))

    assert [e.area_id for e in found] == ["1", "2", "3"]


async def test_an_endless_conversation_does_not_hold_the_loop(bus, got):
    def answer(event):
        if event.area_id == "ping":
            bus.publish(area("ping"))

    leave = bus.subscribe(AreaRegistryUpdated, answer, owner="a")
    found = got(AreaRegistryUpdated, where={"area_id": "news"})

    bus.publish(area("ping"))
    bus.publish(area("news"))
    for _ in range(3):
        await asyncio.sleep(0)

    assert len(found) == 1
    leave()
    for _ in range(3):
        await asyncio.sleep(0)
    count = bus.published_count
    await asyncio.sleep(0)
    assert bus.published_count == count
    bus.publish(area("news"))
    assert len(found) == 2


async def test_a_conversation_that_doubles_does_not_fill_the_memory(bus, caplog):
    def answer(_event):
        for _ in range(200):
            bus.publish(area("more"))

    leave = bus.subscribe(AreaRegistryUpdated, answer, owner="a")
    caplog.set_level(logging.ERROR)

    bus.publish(area("one"))
    leave()

    assert bus.dropped_count > 0
    assert len(bus._waiting) <= MAX_WAITING
    assert caplog.text.count("are dropped") <= 1 + bus.dropped_count // MAX_WAITING
    for _ in range(MAX_WAITING // 1000 + 2):
        await asyncio.sleep(0)
    assert not bus._waiting


def test_who_has_left_gets_nothing_more(bus, got):
    found = got(AreaRegistryUpdated)
    indexed = got(AreaRegistryUpdated, where={"area_id": "barn"})
    leave_indexed = got.leave
    both = got(AreaRegistryUpdated, where={"area_id": "barn", "action": "create"})
    leave_both = got.leave

    leave_indexed()
    leave_indexed()
    bus.publish(area("barn"))
    leave_both()
    bus.publish(area("barn"))

    assert len(found) == 2
    assert indexed == []
    assert len(both) == 1


def test_nothing_is_kept_of_who_has_left(bus, got):
    for where in (None, {"area_id": "barn"}, {"area_id": "barn", "action": "create"}):
        got(AreaRegistryUpdated, where=where)
        first = got.leave
        got(AreaRegistryUpdated, where=where)
        first()
        assert bus.wants(AreaRegistryUpdated)
        got.leave()
        got.leave()
        assert not bus.wants(AreaRegistryUpdated)
    assert bus._topics == {}


def test_the_same_handler_may_subscribe_twice_and_leave_once(bus):
    found = []
    leave = bus.subscribe(HubStarted, found.append, owner="a")
    bus.subscribe(HubStarted, found.append, owner="a")

    leave()
    leave()
    bus.publish(HubStarted())

    assert len(found) == 1


def test_a_handler_may_leave_while_it_is_called_and_the_next_is_not_skipped(bus, got):
    order = []

    def once(_event):
        order.append("once")
        leave()

    leave = bus.subscribe(HubStarted, once, owner="a")
    bus.subscribe(HubStarted, lambda _event: order.append("always"), owner="b")

    bus.publish(HubStarted())
    bus.publish(HubStarted())

    assert order == ["once", "always", "always"]


def test_who_comes_while_an_event_is_handed_round_gets_the_next_one(bus):
    found = []

    def invite(_event):
        bus.subscribe(HubStarted, found.append, owner="late")

    leave = bus.subscribe(HubStarted, invite, owner="a")
    bus.publish(HubStarted())
    leave()
    assert found == []

    bus.publish(HubStarted())
    assert len(found) == 1


def test_who_leaves_gets_no_event_that_was_still_waiting(bus):
    found = []

    def answer(event):
        if event.area_id == "1":
            bus.publish(area("2"))
            leave()

    bus.subscribe(AreaRegistryUpdated, answer, owner="a")
    leave = bus.subscribe(AreaRegistryUpdated, lambda e: found.append(e.area_id), owner="b")

    bus.publish(area("1"))

    assert found == ["1"]


def counted(event):
    """Return *event* as one that counts how often its fields are read."""

    class Counted(type(event), frozen=True):
        type: ClassVar[str] = "farm.counted"

        def __getattribute__(self, name):
            if name == "area_id":
                looks.append(name)
            return super().__getattribute__(name)

    looks = []
    return Counted(event.action, event.area_id), looks


def test_an_event_costs_the_same_however_many_wait_for_something_else(bus, got):
    event, looks = counted(area("barn"))
    found = got("farm.counted", where={"area_id": "barn"})
    bus.publish(event)
    alone = len(looks)
    others = [got("farm.counted", where={"area_id": f"field {n}"}) for n in range(500)]
    others += [got(HubStarted), got(GatewayCameOnline, where={"plugin": "x"})]
    looks.clear()

    bus.publish(event)

    assert len(found) == 2
    assert not any(others)
    assert len(looks) == alone

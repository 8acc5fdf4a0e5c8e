import datetime as dt

import attrs
import pytest

from hub.clock import UTC
from hub.model import Batch, Context, DeviceKey, EntityInfo, GatewayKey, Reading


def test_a_context_makes_its_id_once_when_it_is_asked():
    context = Context(user_id="ann")

    assert context.id == context.id
    assert len(context.id) == 26
    assert Context(id="x").id == "x"
    assert context.as_dict() == {"id": context.id, "parent_id": None, "user_id": "ann"}
    assert repr(Context(id="x")) == "Context(id='x', parent_id=None, user_id=None)"


def test_a_child_names_its_parent_and_keeps_the_user():
    context = Context(user_id="ann")
    child = context.child()

    assert (child.parent_id, child.user_id) == (context.id, "ann")
    assert child.id != context.id


def test_a_batch_needs_an_aware_time():
    with pytest.raises(ValueError, match="received: expected a time with its zone"):
        Batch(received=dt.datetime(2026, 1, 1))  # noqa: DTZ001


def test_values_are_frozen():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        EntityInfo().name = "x"
    reading = Reading(DeviceKey("p", "d"), "k", 1, dt.datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(AttributeError):
        reading.value = 2


def test_keys_are_equal_by_what_they_name():
    assert DeviceKey("p", "d") == DeviceKey("p", "d")
    assert {DeviceKey("p", "d"): 1}[DeviceKey("p", "d")] == 1
    assert GatewayKey("p", "d") != GatewayKey("q", "d")

import pytest

from hub.action import Action, ActionCall
from hub.actions import Actions
from hub.bus import Bus
from hub.clock import UTC
from hub.errors import ActionNotFound, InvalidActionData, RegistryError
from hub.model import Context
from hub.testing.clock import ManualClock


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def events(bus):
    found = []
    bus.subscribe("*", found.append, owner="test")
    return found


@pytest.fixture
def actions(bus):
    return Actions(bus, ManualClock())


async def answer(call):
    return {"domain": call.domain, "name": call.name, "data": dict(call.data), "call": call}


async def test_an_action_is_called_with_its_data_and_context(actions):
    actions.register(Action("notify.mail", answer))
    context = Context(user_id="ann")

    response = await actions.call("notify.mail", {"to": "bob"}, context=context)

    assert (response["domain"], response["name"]) == ("notify", "mail")
    assert response["data"] == {"to": "bob"}
    assert response["call"].context is context


async def test_names_ignore_case(actions):
    actions.register(Action("Notify.Mail", answer))

    assert (await actions.call("NOTIFY.mail"))["name"] == "mail"
    assert actions.get("NOTIFY.MAIL") is not None
    assert [a.name for a in actions.all()] == ["Notify.Mail"]


async def test_a_call_is_told_before_it_runs(actions, events):
    order = []

    async def run(_call):
        order.append([e.type for e in events])

    actions.register(Action("pump.start", run))
    await actions.call("pump.start", {"litres": 5})

    assert order == [["service_registered", "call_service"]]
    assert events[1].data == {"domain": "pump", "service": "start", "service_data": {"litres": 5}}
    assert events[1].time_fired.tzinfo is UTC


async def test_without_listeners_a_call_is_not_told(bus, actions):
    actions.register(Action("pump.start", answer))
    count = bus.published_count

    await actions.call("pump.start")

    assert bus.published_count == count


@pytest.mark.parametrize(
    "name", ["", "mail", "notify.", ".mail", "notify.a.b", "notify.ma il", "a-b.c"]
)
def test_a_malformed_name_is_refused(actions, name):
    with pytest.raises(RegistryError, match=r"expected a name such as notify\.mail"):
        actions.register(Action(name, answer))


def test_a_taken_name_names_both_owners(actions):
    actions.register(Action("pump.start", answer, owner="farm"))

    with pytest.raises(RegistryError, match=r"pump\.start: claimed by garden, held by farm"):
        actions.register(Action("PUMP.start", answer, owner="garden"))


async def test_what_register_returns_takes_the_action_away_once(actions, events):
    remove = actions.register(Action("pump.start", answer))
    remove()
    remove()

    assert [e.type for e in events] == ["service_registered", "service_removed"]
    with pytest.raises(ActionNotFound, match=r"action pump\.start is not registered"):
        await actions.call("pump.start")


def test_a_late_removal_leaves_the_successor_alone(actions):
    remove = actions.register(Action("pump.start", answer))
    remove()
    actions.register(Action("pump.start", answer))
    remove()

    assert actions.get("pump.start") is not None


def call(**data):
    return ActionCall(domain="notify", name="mail", data=data, context=Context())


def test_text_is_taken_from_the_data_or_its_default():
    assert call(to="ann").text("to") == "ann"
    assert call(to=5).text("to") == "5"
    assert call().text("to", "bob") == "bob"


@pytest.mark.parametrize("data", [{}, {"to": None}])
def test_missing_text_is_named(data):
    with pytest.raises(InvalidActionData, match=r"notify\.mail: to: expected text, got nothing"):
        call(**data).text("to")

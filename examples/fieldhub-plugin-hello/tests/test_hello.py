import pytest
from hub_hello import PATH, parse

from hub import WireError


@pytest.fixture
async def boxes(hub_clock, hub_client, hub_credentials):
    async def post(*values, box="barn", headers=hub_credentials):
        message = {"box": box, "values": list(values)}
        return await hub_client.post(PATH, json=message, headers=headers)

    return post


def value(probe, number, at="2026-03-01T12:29:00Z"):
    return {"probe": probe, "value": number, "at": at}


async def test_a_value_is_stored_and_becomes_a_state(boxes, hub, hub_events):
    reply = await boxes(value("temperature", 21.5), value("door", 1))
    await hub.settled()

    assert (reply.status, reply.json()) == (201, {"stored": 2})
    assert [(e.key, e.value) for e in hub_events.readings] == [
        ("temperature", 21.5),
        ("door", True),
    ]
    assert hub.states.get("sensor.barn_temperature").state == "21.5"
    assert hub.states.get("binary_sensor.barn_door").state == "on"
    assert [row.value for row in await hub.history("sensor.barn_temperature")] == [21.5]


async def test_the_same_again_is_harmless(boxes, hub, hub_events):
    for _ in range(2):
        reply = await boxes(value("temperature", 21.5))
    await hub.settled()

    assert (reply.status, reply.json()) == (201, {"stored": 0})
    assert len(hub_events.readings) == 1


async def test_one_bad_value_does_not_block_its_neighbours(boxes, hub):
    reply = await boxes(value("temperature", {}), {}, value("door", 0, at="noon"), value("x", "y"))

    assert reply.json() == {"stored": 1}
    assert hub.quarantine_count == 3


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"box": 5}', b'{"box": "a", "values": 5}'])
async def test_a_message_that_is_not_understood_is_kept_and_acknowledged(
    hub, hub_client, hub_credentials, body
):
    reply = await hub_client.post(PATH, body=body, headers=hub_credentials)

    assert (reply.status, reply.json()) == (201, {"stored": 0})
    assert hub.quarantine_count == 1
    assert hub.plugin("hello").counters == {"bad_messages": 1}


@pytest.mark.parametrize("token", [None, "", "wrong"])
async def test_without_the_token_nobody_gets_in(boxes, hub, token):
    reply = await boxes(value("temperature", 1), headers={"X-Hello-Token": token})

    assert reply.status == 401
    assert len(hub.states) == 0


async def test_without_a_token_in_the_configuration_nobody_gets_in(start_hub, hub_plugins):
    hub = await start_hub(plugins=hub_plugins)
    client = await hub.client()

    reply = await client.post(PATH, json={}, headers={"X-Hello-Token": ""})

    assert reply.status == 401


async def test_a_silent_box_is_missed(boxes, hub, hub_clock, hub_events):
    await boxes(value("temperature", 21.5))
    await hub.settled()

    await hub_clock.advance(minutes=4)

    assert [e.gateway for e in hub_events.of("gateway_offline")] == ["barn"]


async def test_on_a_full_disk_the_box_is_told_to_come_back(boxes, hub, full_disk):
    async with full_disk():
        assert (await boxes(value("temperature", 21.5))).status == 503

    assert (await boxes(value("temperature", 21.5))).json() == {"stored": 1}


async def test_the_action_answers(hub):
    assert await hub.actions.call("hello.greet", {"name": "barn"}) == {"greeting": "Hello, barn"}


@pytest.mark.parametrize(("temperature", "mood"), [(5, "chilly"), (21.5, "cosy"), (30, "hot")])
async def test_the_template_function_says_how_it_feels(hub, temperature, mood):
    assert hub.app.host.template_functions["hello_mood"](temperature) == mood


def test_a_message_needs_a_box():
    with pytest.raises(WireError, match="box: expected a name"):
        parse({"values": []})

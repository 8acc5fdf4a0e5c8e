"""The engine as the rest of the hub sees it."""

import asyncio
import logging

import pytest
import yaml

from hub.action import Action
from hub.errors import ActionError, InvalidActionData
from hub.event import CustomEvent
from hub.events import AutomationsReloaded, HubStopping
from hub.model import Context

SIMPLE = """
alias: Fan
id: fan1
triggers: {trigger: state, entity_id: sensor.x, to: 'on'}
actions: {action: test.a, data: {v: '{{ trigger.to_state.state }}'}}
"""


def calls(lab):
    return [entry[2] for entry in lab.log if entry[1] == "call"]


async def test_an_automation_has_an_entity(make):
    lab = make(SIMPLE)
    state = lab.states.get("automation.fan")

    assert state.state == "on"
    assert state.attributes == {
        "id": "fan1",
        "friendly_name": "Fan",
        "last_triggered": None,
        "mode": "single",
        "current": 0,
    }
    await lab.automations.stop()


async def test_a_run_is_told_in_state_and_trace(make):
    lab = make(SIMPLE)
    lab.states.set("sensor.x", "on")
    (status,) = lab.automations.all()

    assert calls(lab) == ["test.a"]
    assert status.last_triggered == lab.clock.now()
    trace = status.traces[0].as_dict()
    assert trace["script_execution"] == "finished"
    assert trace["item_id"] == "fan1"
    assert trace["state"] == "stopped"
    assert list(trace["trace"]) == ["trigger/0", "action/0"]
    assert trace["trace"]["trigger/0"][0]["changed_variables"]["trigger"]["id"] == "0"
    await lab.automations.stop()


async def test_a_wrong_automation_is_unavailable_and_says_why(make):
    lab = make("[{alias: Bad, triggers: {trigger: mqtt}, actions: []}]")

    assert len(lab.errors) == 1
    assert lab.states.get("automation.bad").state == "unavailable"
    assert (
        "'mqtt' is not available yet" in lab.states.get("automation.bad").attributes["last_error"]
    )
    assert lab.automations.all()[0].reason == str(lab.errors[0])
    await lab.automations.stop()


async def test_checking_runs_nothing(make):
    lab = make("[]")
    errors = lab.automations.check(yaml.safe_load(SIMPLE), "a.yaml")
    wrong = lab.automations.check([{"triggers": []}], "a.yaml")

    assert errors == []
    assert [str(error) for error in wrong] == ["a.yaml: automations[0]: actions is missing"]
    assert lab.states.in_domain("automation") == []
    await lab.automations.stop()


async def test_two_of_one_name_get_entities_of_their_own(make):
    lab = make("[{alias: A, triggers: [], actions: []}, {alias: A, triggers: [], actions: []}]")

    assert lab.automations.entity_ids() == ["automation.a", "automation.a_2"]
    await lab.automations.stop()


async def test_an_action_that_breaks_harms_nobody_else(make, caplog):
    lab = make("""
- {alias: A, triggers: {trigger: state, entity_id: sensor.x}, actions: {action: test.crash}}
- {alias: B, triggers: {trigger: state, entity_id: sensor.x}, actions: {action: test.a}}
""")
    lab.states.set("sensor.x", "1")
    first, second = lab.automations.all()

    assert calls(lab) == ["test.crash", "test.a"]
    assert first.traces[0].execution == "error"
    assert first.traces[0].error == "told to crash"
    assert first.reason == "action/0: told to crash"
    assert second.traces[0].execution == "finished"
    assert "told to crash" in caplog.text
    await lab.automations.stop()


async def test_the_same_error_is_logged_once(make, caplog):
    lab = make(
        "{alias: A, triggers: {trigger: event, event_type: go}, actions: {action: test.fail}}"
    )
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            lab.bus.publish(CustomEvent("go"))

    assert caplog.text.count("told to fail") == 1
    assert lab.states.get("automation.a").attributes["last_error"] == "action/0: told to fail"
    assert len(lab.automations.all()[0].traces) == 5
    await lab.automations.stop()


async def test_a_reload_keeps_what_did_not_change(make):
    lab = make("""
- {alias: A, triggers: {trigger: event, event_type: go}, actions: [{delay: 5}, {action: test.a}]}
- {alias: B, triggers: {trigger: event, event_type: go}, actions: {action: test.b}}
""")
    seen = []
    lab.bus.subscribe(AutomationsReloaded, seen.append, owner="test")
    lab.bus.publish(CustomEvent("go"))
    lab.automations.reload(
        yaml.safe_load("""
- {alias: A, triggers: {trigger: event, event_type: go}, actions: [{delay: 5}, {action: test.a}]}
- {alias: C, triggers: {trigger: event, event_type: go}, actions: {action: test.c}}
""")
    )
    await lab.clock.advance(6)
    lab.bus.publish(CustomEvent("go"))

    assert calls(lab) == ["test.b", "test.a", "test.c"]
    assert lab.states.get("automation.b") is None
    assert len(seen) == 1
    await lab.automations.stop()


async def test_reload_is_an_action_where_files_can_be_read(make):
    lab = make(SIMPLE)
    assert lab.actions.get("automation.reload") is None
    stop = lab.automations.reads_from(
        lambda: ([{"alias": "N", "triggers": [], "actions": []}], "f")
    )
    await lab.actions.call("automation.reload")

    assert lab.automations.entity_ids() == ["automation.n"]
    stop()
    assert lab.actions.get("automation.reload") is None
    await lab.automations.stop()


async def test_what_was_off_before_a_restart_stays_off(lab_class):
    lab = lab_class({})
    lab.states.set("automation.fan", "off")
    lab.automations.load(yaml.safe_load(SIMPLE))
    lab.automations.start()
    lab.states.set("sensor.x", "on")

    assert calls(lab) == []
    assert lab.states.get("automation.fan").state == "off"
    await lab.automations.stop()


async def test_the_initial_state_wins_over_the_former_one(lab_class):
    lab = lab_class({})
    lab.states.set("automation.fan", "off")
    lab.automations.load({**yaml.safe_load(SIMPLE), "initial_state": True})
    lab.automations.start()

    assert lab.automations.all()[0].state == "on"
    await lab.automations.stop()


async def test_turning_off_and_on_by_action(make):
    lab = make(SIMPLE)
    await lab.actions.call("automation.turn_off", {"entity_id": "automation.fan, automation.no"})
    lab.states.set("sensor.x", "on")
    await lab.actions.call("automation.turn_on", {"entity_id": ["automation.fan"]})
    await lab.actions.call("automation.toggle", {"entity_id": "all"})
    assert lab.states.get("automation.fan").state == "off"
    await lab.actions.call("automation.toggle", {"entity_id": "all"})

    assert lab.states.get("automation.fan").state == "on"
    assert calls(lab) == []
    with pytest.raises(InvalidActionData):
        await lab.actions.call("automation.turn_on", {})
    with pytest.raises(InvalidActionData):
        await lab.actions.call("automation.trigger", {"entity_id": "all", "variables": "no"})
    await lab.automations.stop()


async def test_an_automation_may_turn_itself_off(make):
    lab = make("""
alias: Once
triggers: {trigger: event, event_type: go}
actions:
  - action: test.a
  - action: automation.turn_off
    target: {entity_id: automation.once}
  - action: test.b
""")
    lab.bus.publish(CustomEvent("go"))
    lab.bus.publish(CustomEvent("go"))

    assert calls(lab) == ["test.a"]
    assert lab.automations.all()[0].traces[0].execution == "cancelled"
    assert lab.states.get("automation.once").attributes["current"] == 0
    await lab.automations.stop()


async def test_triggering_by_hand_passes_variables(make):
    lab = make("{alias: A, triggers: [], actions: {action: test.a, data: {v: '{{ v }}'}}}")
    await lab.actions.call(
        "automation.trigger", {"entity_id": "automation.a", "variables": {"v": 5}}
    )

    assert [entry[3] for entry in lab.log if entry[1] == "call"] == [{"v": 5}]
    await lab.automations.stop()


async def test_a_run_knows_what_caused_it(make):
    lab = make(SIMPLE)
    seen = []

    async def note(call):
        seen.append(call.context)

    lab.actions.register(Action("test.context", note))
    lab.automations.load(
        {"alias": "C", "triggers": {"trigger": "state", "entity_id": "sensor.x"}}
        | {"actions": {"action": "test.context"}}
    )
    cause = Context(user_id="anna")
    lab.states.set("sensor.x", "on", context=cause)

    assert seen[0].parent_id == cause.id
    assert seen[0].user_id == "anna"
    await lab.automations.stop()


async def test_stopping_ends_runs_and_leaves_the_states(make):
    lab = make(
        "{alias: A, triggers: {trigger: event, event_type: go}, actions: [{delay: 5}, {action: test.a}]}"  # noqa: E501
    )
    lab.bus.publish(CustomEvent("go"))
    await lab.automations.stop()
    await lab.clock.advance(10)

    assert calls(lab) == []
    assert lab.states.get("automation.a").state == "on"
    assert lab.automations.get("automation.a").traces[0].execution == "cancelled"


async def test_the_hub_stopping_is_a_trigger(make):
    lab = make(
        "{alias: A, triggers: {trigger: homeassistant, event: shutdown}, actions: {action: test.a}}"
    )
    lab.bus.publish(HubStopping())

    assert calls(lab) == ["test.a"]
    await lab.automations.stop()


async def test_a_run_that_never_waits_makes_no_task(make):
    lab = make(SIMPLE)
    before = len(asyncio.all_tasks())
    lab.states.set("sensor.x", "on")

    assert calls(lab) == ["test.a"]
    assert len(asyncio.all_tasks()) == before
    await lab.automations.stop()


async def test_an_action_may_use_a_time_out_from_its_first_step(make):
    lab = make(SIMPLE)

    async def patient(call):
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(5)
        except TimeoutError:
            raise ActionError("nobody answered") from None

    lab.actions.register(Action("test.patient", patient))
    lab.automations.load(
        {"alias": "P", "triggers": {"trigger": "state", "entity_id": "sensor.x"}}
        | {"actions": {"action": "test.patient"}}
    )
    lab.states.set("sensor.x", "on")
    await asyncio.sleep(0.1)

    assert lab.automations.all()[0].traces[0].error == "nobody answered"
    await lab.automations.stop()


async def test_what_concerns_one_automation_is_not_shown_to_the_others(lab_class):
    lab = lab_class({})
    lab.automations.load(
        [
            {
                "alias": f"a{number}",
                "triggers": [
                    {"trigger": "state", "entity_id": f"sensor.x{number}"},
                    {"trigger": "event", "event_type": "go", "event_data": {"n": f"{number}"}},
                ],
                "actions": {"action": "test.a"},
            }
            for number in range(500)
        ]
    )
    lab.automations.start()
    called = 0

    def counting(original):
        def fire(*args, **kwargs):
            nonlocal called
            called += 1
            return original(*args, **kwargs)

        return fire

    for entity_id in lab.automations.entity_ids():
        automation = lab.automations.get(entity_id)
        automation.trigger = counting(automation.trigger)
    lab.states.set("sensor.other", "1")
    lab.bus.publish(CustomEvent("go", {"n": "none"}))
    assert called == 0
    lab.states.set("sensor.x7", "1")
    lab.bus.publish(CustomEvent("go", {"n": "7"}))

    assert called == 2
    await lab.automations.stop()

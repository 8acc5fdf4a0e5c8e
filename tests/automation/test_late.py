"""A late change is history: it fires nothing and leaves every trigger as it was."""

import pytest

from hub.event import CustomEvent
from hub.model import Context


def calls(lab):
    return [entry[2] for entry in lab.log if entry[1] == "call"]


def late(lab, entity_id, state):
    """Let readings that are too old for news move a state."""
    now_us = lab.clock.now_us()
    at_us = now_us - 3_600_000_000
    lab.states.write(entity_id, state, {}, (at_us, now_us), Context(), is_late=True)


NUMERIC = "{trigger: numeric_state, entity_id: sensor.x, above: 8}"
TEMPLATE = "{trigger: template, value_template: \"{{ states('sensor.x') | float(0) > 8 }}\"}"


@pytest.mark.parametrize(
    "trigger",
    [
        "{trigger: state, entity_id: sensor.x}",
        NUMERIC,
        TEMPLATE,
        "{trigger: event, event_type: state_changed}",
    ],
)
async def test_a_late_change_fires_nothing_and_the_next_one_does(make, trigger):
    lab = make(
        f"{{alias: A, triggers: {trigger}, actions: {{action: test.a}}}}", states={"sensor.x": "5"}
    )
    late(lab, "sensor.x", "9")
    assert calls(lab) == []

    lab.states.set("sensor.x", "10")
    await lab.clock.settle()

    assert calls(lab)[:1] == ["test.a"]
    await lab.automations.stop()


@pytest.mark.parametrize("trigger", [NUMERIC, TEMPLATE])
async def test_a_late_change_does_not_arm_a_trigger(make, trigger):
    lab = make(
        f"{{alias: A, triggers: {trigger}, actions: {{action: test.a}}}}", states={"sensor.x": "9"}
    )
    late(lab, "sensor.x", "5")
    lab.states.set("sensor.x", "10")
    await lab.clock.settle()
    assert calls(lab) == []

    lab.states.set("sensor.x", "5")
    lab.states.set("sensor.x", "10")
    await lab.clock.settle()

    assert calls(lab) == ["test.a"]
    await lab.automations.stop()


@pytest.mark.parametrize(
    "trigger",
    [
        "{trigger: state, entity_id: sensor.x, to: '10', for: 60}",
        "{trigger: numeric_state, entity_id: sensor.x, above: 8, for: 60}",
        "{trigger: template, value_template: \"{{ states('sensor.x') == '10' }}\", for: 60}",
    ],
)
async def test_a_late_change_does_not_end_what_holds(make, trigger):
    lab = make(
        f"{{alias: A, triggers: {trigger}, actions: {{action: test.a}}}}", states={"sensor.x": "5"}
    )
    lab.states.set("sensor.x", "10")
    await lab.clock.advance(30)
    late(lab, "sensor.x", "1")
    await lab.clock.advance(29)
    assert calls(lab) == []

    await lab.clock.advance(1)

    assert calls(lab) == ["test.a"]
    await lab.automations.stop()


async def test_a_template_depends_on_what_it_looks_at_after_a_late_change(make):
    lab = make(
        """
        alias: A
        triggers:
          trigger: template
          value_template: "{{ is_state('sensor.x', 'on') and is_state('sensor.y', 'on') }}"
        actions: {action: test.a}
        """,
        states={"sensor.x": "off", "sensor.y": "off"},
    )
    late(lab, "sensor.x", "on")
    lab.states.set("sensor.y", "on")
    await lab.clock.settle()

    assert calls(lab) == ["test.a"]
    await lab.automations.stop()


@pytest.mark.parametrize("is_followed", [True, False])
async def test_a_late_change_while_a_template_pauses_tells_nobody(make, is_followed):
    lab = make(
        """
        alias: A
        triggers:
          trigger: template
          value_template: "{{ states.sensor | selectattr('state', 'eq', 'on') | list | count > 0 }}"
        actions: {action: test.a}
        """,
        states={"sensor.x": "off", "sensor.y": "off"},
    )
    late(lab, "sensor.x", "on")  # the template has just been rendered: this one has to wait
    if is_followed:
        lab.states.set("sensor.y", "on")
    await lab.clock.advance(2)

    assert calls(lab) == (["test.a"] if is_followed else [])
    await lab.automations.stop()


@pytest.mark.parametrize(
    "wait",
    [
        "wait_template: \"{{ is_state('sensor.x', 'on') }}\"",
        "wait_for_trigger: {trigger: state, entity_id: sensor.x, to: 'on'}",
    ],
)
async def test_a_wait_goes_on_over_a_late_change(make, wait):
    lab = make(
        f"""
        alias: A
        triggers: {{trigger: event, event_type: go}}
        actions:
          - {wait}
          - {{action: test.a}}
        """,
        states={"sensor.x": "off"},
    )
    lab.bus.publish(CustomEvent("go", {}))
    late(lab, "sensor.x", "on")
    await lab.clock.settle()
    assert calls(lab) == []

    lab.states.set("sensor.x", "off")
    lab.states.set("sensor.x", "on")
    await lab.clock.settle()

    assert calls(lab) == ["test.a"]
    await lab.automations.stop()


async def test_a_time_that_comes_late_moves_no_time_trigger(make):
    lab = make(
        "{alias: A, triggers: {trigger: time, at: sensor.next}, actions: {action: test.a}}",
        states={"sensor.next": "2025-03-03T12:00:10+00:00"},
    )
    late(lab, "sensor.next", "2025-03-03T12:00:20+00:00")
    await lab.clock.advance(15)

    assert calls(lab) == ["test.a"]
    await lab.automations.stop()

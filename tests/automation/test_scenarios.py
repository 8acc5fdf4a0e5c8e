"""Scenarios beyond the recorded ones."""

import pytest

from hub.event import CustomEvent
from hub.events import HubStopping
from hub.model import Context

GO = "triggers: {trigger: event, event_type: go}"


def calls(lab):
    return [(entry[0], entry[2], entry[3]) for entry in lab.log if entry[1] == "call"]


def names(lab):
    return [entry[2] for entry in lab.log if entry[1] == "call"]


async def go(lab, data=None):
    lab.bus.publish(CustomEvent("go", data or {}, fired_us=lab.clock.now_us()))
    await lab.clock.settle()


async def test_a_time_trigger_follows_a_helper(make):
    lab = make(
        "{alias: A, triggers: {trigger: time, at: input_datetime.wake}, actions: {action: test.a}}",
        states={"input_datetime.wake": {"state": "12:00:10", "attributes": {"has_date": False}}},
    )
    await lab.clock.advance(20)
    lab.states.set("input_datetime.wake", "12:01:00", {"has_date": False})
    await lab.clock.advance(60)

    assert [at for at, _, _ in calls(lab)] == [10.0, 60.0]
    await lab.automations.stop()
    assert lab.clock.timer_count == 0


async def test_a_time_trigger_follows_a_date_once(make):
    lab = make(
        "{alias: A, triggers: {trigger: time, at: [input_datetime.x, sensor.next]}, actions: {action: test.a}}",  # noqa: E501
        states={
            "input_datetime.x": {
                "state": "2025-03-03 12:00:05",
                "attributes": {"has_date": True, "has_time": True},
            },
            "sensor.next": "2025-03-03T12:00:07+00:00",
        },
    )
    await lab.clock.advance(100_000)
    lab.states.set("sensor.next", "unknown")
    lab.states.remove("input_datetime.x")

    assert [at for at, _, _ in calls(lab)] == [5.0, 7.0]
    await lab.automations.stop()


async def test_a_time_trigger_may_have_an_offset_or_be_a_template(make):
    lab = make(
        """
alias: A
triggers:
  - trigger: time
    at: {entity_id: sensor.next, offset: "-00:00:05"}
  - trigger: time
    at: "{{ '12:00:02' }}"
  - trigger: time
    at: "{{ 'nonsense' }}"
actions: {action: test.a, data: {e: "{{ trigger.entity_id }}"}}
""",
        states={"sensor.next": "2025-03-03T12:00:09+00:00"},
    )
    await lab.clock.advance(100)

    assert [(at, data["e"]) for at, _, data in calls(lab)] == [(2.0, None), (4.0, "sensor.next")]
    await lab.automations.stop()


async def test_a_template_trigger_over_a_domain_is_rendered_once_a_second(make):
    lab = make(
        """
alias: A
triggers:
  trigger: template
  value_template: "{{ states.light | selectattr('state', 'eq', 'on') | list | count > 1 }}"
actions: {action: test.a}
""",
        states={"light.a": "off", "light.b": "off"},
    )
    lab.states.set("light.a", "on")
    lab.states.set("light.b", "on")
    await lab.clock.advance(0.5)
    assert names(lab) == []
    await lab.clock.advance(1)

    assert names(lab) == ["test.a"]
    await lab.automations.stop()


async def test_repeat_until_and_stop_inside(make):
    lab = make(f"""
alias: A
{GO}
actions:
  - repeat:
      until: "{{{{ repeat.index >= 3 }}}}"
      sequence: {{action: test.a}}
  - repeat:
      while: "{{{{ repeat.index < 3 }}}}"
      sequence: {{action: test.b}}
  - repeat:
      until: "{{{{ 'x' | float }}}}"
      sequence: {{action: test.c}}
  - stop: enough
    error: true
""")
    await go(lab)

    assert names(lab) == ["test.a"] * 3 + ["test.b"] * 2 + ["test.c"]
    assert lab.automations.all()[0].traces[0].execution == "aborted"
    await lab.automations.stop()


async def test_branches_run_at_the_same_time_and_an_error_waits_for_all(make):
    lab = make(f"""
alias: A
{GO}
actions:
  - parallel:
      - action: test.fail
      - - delay: 1
        - action: test.a
  - action: test.b
""")
    await go(lab)
    await lab.clock.advance(2)

    assert names(lab) == ["test.fail", "test.a"]
    assert lab.automations.all()[0].traces[0].error == "told to fail"
    await lab.automations.stop()


async def test_wait_for_a_template_and_its_variable(make):
    lab = make(
        f"""
alias: A
{GO}
actions:
  - wait_template: "{{{{ is_state('sensor.x', 'on') }}}}"
    timeout: 10
  - action: test.a
    data: {{c: "{{{{ wait.completed }}}}", r: "{{{{ wait.remaining }}}}"}}
  - wait_template: "{{{{ is_state('sensor.x', 'on') }}}}"
  - action: test.b
    data: {{r: "{{{{ wait.remaining }}}}"}}
""",
        states={"sensor.x": "off"},
    )
    await go(lab)
    await lab.clock.advance(4)
    lab.states.set("sensor.x", "on")
    await lab.clock.settle()

    assert calls(lab) == [(4.0, "test.a", {"c": True, "r": 6.0}), (4.0, "test.b", {"r": None})]
    await lab.automations.stop()


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("{condition: state, entity_id: sensor.x, state: '5', for: 10}", True),
        ("{condition: state, entity_id: sensor.x, state: '5', for: 20}", False),
        ("{condition: state, entity_id: sensor.x, state: input_text.wanted}", True),
        ("{condition: numeric_state, entity_id: sensor.x, above: 4, attribute: none}", False),
        ("{condition: numeric_state, entity_id: sensor.none, above: 4}", False),
        ("{condition: numeric_state, entity_id: sensor.x, above: sensor.none}", False),
        ("{condition: time, after: input_datetime.t}", True),
        ("{condition: time, before: sensor.stamp}", False),
        ("{condition: time, after: sensor.x}", False),
        ("{condition: time, after: '12:00', before: '12:00'}", True),
        ("{condition: '{{ 1 == 1 }}', enabled: false}", True),
        ("{or: []}", True),
    ],
)
async def test_a_condition(make, condition, holds):
    lab = make(
        f"{{alias: A, {GO}, conditions: {condition}, actions: {{action: test.a}}}}",
        states={
            "sensor.x": {"state": "5", "age_s": 15},
            "input_text.wanted": "5",
            "input_datetime.t": "11:00:00",
            "sensor.stamp": {
                "state": "2025-03-03T11:00:00+00:00",
                "attributes": {"device_class": "timestamp"},
            },
        },
    )
    await go(lab)

    assert names(lab) == (["test.a"] if holds else [])
    await lab.automations.stop()


@pytest.mark.parametrize(
    "action",
    [
        "{action: test.a, data: '{{ 5 }}'}",
        "{action: test.a, target: '{{ 5 }}'}",
        "{action: '{{ nothing.x }}'}",
        "{action: test.only}",
    ],
)
async def test_a_call_with_wrong_data_ends_the_run(make, action):
    lab = make(f"{{alias: A, {GO}, actions: [{action}, {{action: test.b}}]}}")
    await go(lab)

    assert names(lab) == []
    assert lab.automations.all()[0].traces[0].execution == "error"
    await lab.automations.stop()


async def test_old_spellings_of_a_call(make):
    lab = make(f"""
alias: A
{GO}
actions:
  - service_template: "test.{{{{ 'a' }}}}"
    data: {{x: 1}}
    data_template: {{x: "{{{{ 2 }}}}"}}
    entity_id: light.a
    metadata: {{}}
  - "{{{{ false }}}}"
  - action: test.b
""")
    await go(lab)

    assert calls(lab) == [(0.0, "test.a", {"x": 2, "entity_id": "light.a"})]
    await lab.automations.stop()


async def test_an_event_trigger_compares_context_and_kind(make):
    lab = make("""
alias: A
triggers:
  trigger: event
  event_type: go
  event_data: {n: 1, deep: {list: [1]}}
  context: {user_id: [anna, bob]}
actions:
  action: test.a
  data:
    t: "{{ trigger.event.time_fired.hour }}"
    u: "{{ trigger.event.context.user_id }}"
    o: "{{ trigger.event.origin }}"
""")
    for user, number in (("anna", 1), ("eve", 1), ("anna", True), ("anna", "1")):
        lab.bus.publish(
            CustomEvent(
                "go",
                {"n": number, "deep": {"list": [1], "more": 2}},
                context=Context(user_id=user),
                fired_us=lab.clock.now_us(),
            )
        )

    assert [data for _, _, data in calls(lab)] == [{"t": 12, "u": "anna", "o": "LOCAL"}]
    await lab.automations.stop()


async def test_a_shutdown_trigger_and_trigger_variables(make):
    lab = make("""
alias: A
triggers:
  - {trigger: homeassistant, event: shutdown, variables: {v: "{{ 6 * 7 }}"}}
actions: {action: test.a, data: {v: "{{ v }}", d: "{{ trigger.description }}"}}
""")
    lab.bus.publish(HubStopping())

    assert [data for _, _, data in calls(lab)] == [{"v": 42, "d": "Home Assistant stopping"}]
    await lab.automations.stop()


async def test_a_loop_of_events_between_automations_does_not_hold_the_hub(make):
    lab = make("""
- {alias: A, triggers: {trigger: event, event_type: ping}, actions: {event: pong}}
- {alias: B, triggers: {trigger: event, event_type: pong}, actions: [{delay: 1}, {event: ping}]}
""")
    lab.bus.publish(CustomEvent("ping"))
    await lab.clock.advance(3)

    assert len([entry for entry in lab.log if entry[2] == "ping"]) == 4
    await lab.automations.stop()


async def test_a_long_queue_is_worked_off_in_order(make):
    lab = make(f"""
alias: A
{GO}
mode: queued
max: 600
actions:
  - if: "{{{{ trigger.event.data.n == 0 }}}}"
    then: {{delay: 1}}
  - action: test.a
    data: {{n: "{{{{ trigger.event.data.n }}}}"}}
""")
    for number in range(600):
        lab.bus.publish(CustomEvent("go", {"n": number}))
    await lab.clock.advance(2)

    assert [data["n"] for _, _, data in calls(lab)] == list(range(600))
    assert lab.states.get("automation.a").attributes["current"] == 0
    await lab.automations.stop()

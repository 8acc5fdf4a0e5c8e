"""Reading automations: what is wrong is named with file, line and key."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.automation.loading import load_automations
from hub.automation.sections import Section
from hub.automation.template.engine import Templates
from hub.bus import Bus
from hub.config.nodes import Mark, NodeDict, NodeList
from hub.errors import ConfigError
from hub.states import States
from hub.testing.clock import ManualClock

GO = "{trigger: event, event_type: go}"


def engine():
    clock = ManualClock()
    return Templates(states=States(Bus(), clock), clock=clock)


def load(text):
    return load_automations(yaml.safe_load(text), "automations.yaml", engine())


WRONG = {
    "{alias: x}": "triggers is missing",
    "{triggers: []}": "actions is missing",
    "just text": "expected a mapping, got 'just text'",
    "{triggers: [], trigger: [], actions: []}": "expected triggers or trigger, got both",
    "{triggers: [], actions: [], color: red}": "color: key not known here",
    "{triggers: {trigger: mqtt, topic: x}, actions: []}": "trigger platform 'mqtt' is not available",  # noqa: E501
    "{triggers: {trigger: state, platform: state}, actions: []}": "expected trigger or platform",
    "{triggers: {entity_id: a.b}, actions: []}": "trigger is missing",
    "{triggers: {trigger: state}, actions: []}": "entity_id is missing",
    "{triggers: {trigger: state, entity_id: nodot}, actions: []}": "expected an entity id",
    "{triggers: {trigger: state, entity_id: []}, actions: []}": "expected an entity id, got nothing",  # noqa: E501
    "{triggers: {trigger: state, entity_id: a.b, to: on}, actions: []}": "put it in quotes",
    "{triggers: {trigger: state, entity_id: a.b, from: 'x', not_from: 'y'}, actions: []}": "got both",  # noqa: E501
    "{triggers: {trigger: state, entity_id: a.b, for: -5}, actions: []}": "not negative",
    "{triggers: {trigger: state, entity_id: a.b, for: soon}, actions: []}": "expected seconds, HH:MM",  # noqa: E501
    "{triggers: {trigger: state, entity_id: a.b, for: {weeks: 1}}, actions: []}": "got weeks",
    "{triggers: {trigger: state, entity_id: a.b, colour: 1}, actions: []}": "colour: key not known",
    "{triggers: {trigger: numeric_state, entity_id: a.b}, actions: []}": "expected above or below",
    "{triggers: {trigger: numeric_state, entity_id: a.b, above: 9, below: 1}, actions: []}": "nothing",  # noqa: E501
    "{triggers: {trigger: numeric_state, entity_id: a.b, above: hot}, actions: []}": "expected a number",  # noqa: E501
    "{triggers: {trigger: template, value_template: '{{ 1 + }}'}, actions: []}": "template is wrong",  # noqa: E501
    "{triggers: {trigger: template, value_template: [1]}, actions: []}": "expected a template",
    "{triggers: {trigger: template, value_template: '{{ 1|nix }}'}, actions: []}": "No filter named",  # noqa: E501
    "{triggers: {trigger: time, at: 0700}, actions: []}": "expected a time in quotes",
    "{triggers: {trigger: time, at: '25:00'}, actions: []}": "expected HH:MM or HH:MM:SS",
    "{triggers: {trigger: time, at: []}, actions: []}": "expected a time, got nothing",
    "{triggers: {trigger: time_pattern}, actions: []}": "expected hours, minutes or seconds",
    "{triggers: {trigger: time_pattern, minutes: /0}, actions: []}": "a step of at least 1",
    "{triggers: {trigger: time_pattern, hours: 24}, actions: []}": "expected 0 to 23",
    "{triggers: {trigger: event, event_type: ''}, actions: []}": "expected the name of an event",
    "{triggers: {trigger: event, event_type: state_reported}, actions: []}": "too frequent",
    "{triggers: {trigger: event, event_type: x, event_data: 5}, actions: []}": "expected a mapping",
    "{triggers: {trigger: homeassistant, event: pause}, actions: []}": "expected start, shutdown",
    "{triggers: [], conditions: {condition: sun}, actions: []}": "condition 'sun' is not available",
    "{triggers: [], conditions: nonsense, actions: []}": "expected a condition or a template",
    "{triggers: [], conditions: {condition: state, entity_id: a.b, state: 1}, actions: []}": "quotes",  # noqa: E501
    "{triggers: [], conditions: {condition: time}, actions: []}": "expected after, before or weekday",  # noqa: E501
    "{triggers: [], conditions: {condition: time, weekday: monday}, actions: []}": "expected mon, tue",  # noqa: E501
    "{triggers: [], conditions: {condition: time, after: noon}, actions: []}": "or an entity",
    "{triggers: [], actions: {scene: x}}": "step 'scene' is not available yet",
    "{triggers: [], actions: {delay: 1, event: x}}": "expected one kind of step",
    "{triggers: [], actions: {action: a.b, service: a.b}}": "expected action or service, got both",
    "{triggers: [], actions: {action: nodot}}": "expected an action such as notify.mail",
    "{triggers: [], actions: {action: a.b, data: 5}}": "expected a mapping",
    "{triggers: [], actions: {action: a.b, target: {entity: x}}}": "expected entity_id, device_id",
    "{triggers: [], actions: {action: a.b, target: 5}}": "expected a mapping",
    "{triggers: [], actions: {event: [1]}}": "expected the name of an event",
    "{triggers: [], actions: {if: [], else: []}}": "then is missing",
    "{triggers: [], actions: {choose: [{conditions: []}]}}": "sequence is missing",
    "{triggers: [], actions: {repeat: {count: 1, while: [], sequence: []}}}": "expected one of count",  # noqa: E501
    "{triggers: [], actions: {repeat: {count: 1}}}": "sequence is missing",
    "{triggers: [], actions: {stop: x, error: 1}}": "expected true or false",
    "{triggers: [], actions: [], mode: fast}": "expected single, restart, queued, parallel",
    "{triggers: [], actions: [], max: 1}": "expected a whole number from 2",
    "{triggers: [], actions: [], trace: {stored_traces: -1}}": "expected a whole number from 0",
    "{triggers: [], actions: [], use_blueprint: {path: x}}": "blueprints are not available yet",
    "{triggers: [], actions: [], id: [1]}": "expected text",
    "{triggers: {trigger: event, event_type: x, enabled: 5}, actions: []}": "true, false or a template",  # noqa: E501
    "{triggers: {trigger: event, event_type: x, enabled: '{{ now() }}'}, actions: []}": "limited",
}


@pytest.mark.parametrize(("text", "problem"), WRONG.items(), ids=list(WRONG))
def test_a_wrong_automation_is_refused_with_the_reason(text, problem):
    (item,) = load(text)

    assert item.config is None
    assert isinstance(item.error, ConfigError)
    assert problem in str(item.error)
    assert item.error.file == "automations.yaml"


def test_an_error_names_file_line_and_key():
    trigger = NodeDict(
        {"trigger": "mqtt"}, Mark("house/a.yaml", 7), {"trigger": Mark("house/a.yaml", 8)}
    )
    node = NodeDict({"triggers": trigger, "actions": []}, Mark("house/a.yaml", 6), {})
    (item,) = load_automations(NodeList([node], Mark("house/a.yaml", 1)), "x", engine())

    assert str(item.error).startswith(
        "house/a.yaml:8: automations[0].triggers[0].trigger: trigger platform 'mqtt'"
    )


def test_a_secret_is_not_shown_in_an_error():
    mark = Mark("a.yaml", 2, is_secret=True)
    node = NodeDict({"triggers": [], "actions": [], "mode": "hush"}, mark, {"mode": mark})
    (item,) = load_automations([node], "x", engine())

    assert "hush" not in str(item.error)
    assert "a secret" in str(item.error)


def test_one_wrong_automation_takes_no_other_with_it():
    items = load(
        f"[{{alias: A, triggers: {GO}, actions: []}}, {{alias: B}}, {{triggers: [], actions: []}}]"
    )

    assert [item.config is None for item in items] == [False, True, False]
    assert [item.name for item in items] == ["A", "B", "automation 2"]


def test_a_single_mapping_and_nothing_at_all_are_fine():
    assert load("") == []
    assert len(load(f"{{triggers: {GO}, actions: []}}")) == 1


def test_steps_nested_too_deeply_are_refused():
    node = {"delay": 1}
    for _ in range(60):
        node = {"sequence": [node]}
    (item,) = load_automations([{"triggers": [], "actions": [node]}], "x", engine())

    assert "nested more than" in str(item.error)


def test_data_nested_too_deeply_is_refused():
    data = {}
    for _ in range(200):
        data = {"a": data}
    action = {"action": "a.b", "data": data}
    (item,) = load_automations([{"triggers": [], "actions": [action]}], "x", engine())

    assert "nested more than" in str(item.error)


def test_a_section_refuses_what_is_no_mapping():
    with pytest.raises(ConfigError, match=r"a\.yaml:3: x: expected a mapping, got 5"):
        Section(5, "x", Mark("a.yaml", 3), engine())


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 100),
    st.floats(allow_nan=True),
    st.sampled_from(
        [
            "state",
            "template",
            "time",
            "event",
            "numeric_state",
            "time_pattern",
            "a.b",
            "on",
            "{{ 1 }}",
            "{{ x",
            "12:00",
            "/5",
            "*",
            "and",
            "or",
            "trigger",
            "start",
            "single",
            "queued",
            "",
        ]
    ),
    st.text(max_size=5),
)
KEYS = st.sampled_from(
    [
        "id",
        "alias",
        "triggers",
        "trigger",
        "platform",
        "conditions",
        "condition",
        "actions",
        "action",
        "service",
        "mode",
        "max",
        "entity_id",
        "to",
        "from",
        "not_to",
        "for",
        "above",
        "below",
        "at",
        "hours",
        "minutes",
        "event",
        "event_type",
        "event_data",
        "value_template",
        "attribute",
        "enabled",
        "variables",
        "if",
        "then",
        "else",
        "choose",
        "default",
        "sequence",
        "repeat",
        "count",
        "while",
        "until",
        "for_each",
        "parallel",
        "delay",
        "wait_template",
        "wait_for_trigger",
        "timeout",
        "stop",
        "error",
        "data",
        "target",
        "state",
        "match",
        "after",
        "before",
        "weekday",
        "and",
        "or",
        "not",
        "trace",
        "stored_traces",
        "trigger_variables",
        "offset",
    ]
)
NODES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        NODES,
        st.fixed_dictionaries({"triggers": NODES, "conditions": NODES, "actions": NODES}),
    )
)
def test_any_nodes_are_loaded_or_refused(nodes):
    for item in load_automations(nodes, "x.yaml", engine()):
        assert (item.config is None) != (item.error is None)

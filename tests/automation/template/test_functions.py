"""What templates can call, beyond the recorded rows."""

import datetime as dt

import pytest

from hub.automation.template.tracking import Dependencies
from hub.errors import TemplateError
from hub.model import Context

CASES = {
    "{{ [3, 1] | sort | join(', ') }}": (1, 3),
    "{{ [{'a': 1}, {'a': 2}] | join('-', attribute='a') }}": "1-2",
    "{{ [[1], [2]] | join('-') }}": "[1]-[2]",
    "{{ [{'a': 1}, {'a': 2}] | sum(attribute='a') }}": 3,
    "{{ [[1], [2]] | sum(start=[]) }}": [1, 2],
    "{{ 'ab' | center(6) ~ '|' }}": "ab  |",
    "{{ 'a\nb' | indent(2) }}": "a\n  b",
    "{{ 'a-b' | replace('-', '+') }}": "a+b",
    "{{ '%s-%s' | format(1, 2) }}": "1-2",
    "{{ [1, 2, 3] | batch(2, 0) | list }}": [[1, 2], [3, 0]],
    "{{ [1, 2, 3] | slice(2) | list }}": [[1, 2], [3]],
    "{{ [1] | pprint }}": [1],
    "{{ [1] | string }}": [1],
    "{{ 'hello world' | title }}": "Hello World",
    "{{ 'a b' | wordwrap(1) }}": "a\nb",
    "{{ {'b': 1} | tojson }}": {"b": 1},
    "{{ 'x'.center(3) ~ '|' }}": "x |",
    "{{ 'a\tb'.expandtabs(2) }}": "a b",
    "{{ '-'.join(['a', 'b']) }}": "a-b",
    "{{ '-'.join(['a', 'b'] | map('upper')) }}": "A-B",
    "{{ 'aXb'.replace('X', 'YY') }}": "aYYb",
    "{{ 'abc'.translate({97: 'z'}) }}": "zbc",
    "{{ '7'.zfill(3) }}": "007",
    "{{ '{:>3}|{}'.format('a', 1) }}": "a|1",
    "{{ '{a}'.format_map({'a': 5}) }}": 5,
    "{{ '%5.1f' % 2.25 }}": 2.2,
    "{{ '%*d' % (3, 5) }}": 5,
    "{{ 'a' ~ 1 ~ [2] ~ none }}": "a1[2]None",
    "{% set x %}{{ 1 }}{{ 2 }}{% endset %}{{ x }}": 12,
    "{% for k in range(3) if k != 1 %}{{ k }}{% endfor %}": "02",
    "{{ lipsum(n=1, html=false) | length > 0 }}": True,
    "{{ 2.5 | round(1, 'floor') }}": 2.5,
    "{{ 'x' | add(1, 7) }}": 7,
    "{{ bool('no') }}": False,
    "{{ atan2([0, 1]) }}": 0.0,
    "{{ atan2(0, 1, 'd') }}": 0.0,
    "{{ median(1, 2, 3) }}": 2,
    "{{ max(3, 9) }}": 9,
    "{{ 3 | ordinal }} {{ 13 | ordinal }}": "3rd 13th",
    "{{ unpack(pack(5, '>H'), '>H', 5) }}": None,
    "{{ symmetric_difference([1, 2], [2, 3]) | sort }}": [1, 3],
    "{{ intersect([1, 2], [2, 3]) }}": [2],
    "{{ set([1, 1]) | list }}": [1],
    "{{ tuple([1, 2]) | list }}": [1, 2],
    "{{ shuffle(1, 2, seed=1) | sort }}": [1, 2],
    "{{ merge_response({'a.b': {'x': 1, 'y': [2]}}) }}": [{"x": 1, "y": [2], "entity_id": "a.b"}],
    "{{ utcnow().hour }}": 12,
    "{{ (now() + timedelta(hours=2)) | time_until }}": "2 hours",
    "{{ 'x' | time_until }}": "x",
    "{{ today_at('07:30').minute }}": 30,
    "{{ 0 | timestamp_utc }}": "1970-01-01T00:00:00+00:00",
    "{{ 0 | timestamp_local }}": "1970-01-01T01:00:00+01:00",
    "{{ 'x' | timestamp_utc(5) }}{{ 'x' | timestamp_local(6) }}": 56,
    "{{ as_datetime(now()) == now() }}": True,
    "{{ as_datetime(now().date()).hour }}": 0,
    "{{ 'ab' is string_like }}": True,
    "{{ 'ab' is match('a') and 'ab' is search('b') }}": True,
    "{{ urlencode({'a': 1}) }}": b"a=1",
    "{{ version('') | string }}": "",
    "{{ expand(['sensor.a', 'nothing.here'], 5) | map(attribute='state') | list }}": ["4.5"],
    "{{ states.sensor.a.domain }}.{{ states.sensor.a.object_id }}": "sensor.a",
    "{{ states.sensor.a.state_with_unit }}": "4.5 °C",
    "{{ states.sensor.a.last_changed == states.sensor.a.last_updated }}": True,
    "{{ states.sensor.a == states.sensor.a }}": True,
    "{{ states.sensor.a.as_dict().state }}": 4.5,
    "{{ states['sensor.a'].attributes.unit_of_measurement }}": "°C",
    "{{ states | map(attribute='entity_id') | list }}": ["sensor.a"],
    "{{ states.sensor | length }}": 1,
    "{{ is_state_attr('no.no', 'x', none) }}": False,
    "{{ state_translated('sensor.a') }}": 4.5,
}


@pytest.fixture
def engine(templates):
    at_us = templates.lab_clock.now_us()
    attributes = {"unit_of_measurement": "°C"}
    templates.lab_states.write("sensor.a", "4.5", attributes, (at_us, at_us), Context())
    return templates


@pytest.mark.parametrize(("source", "expected"), CASES.items(), ids=list(CASES))
def test_a_template_means(engine, source, expected):
    assert engine.template(source).render() == expected


WRONG = [
    "{{ states.sensor['bad id'] }}",
    "{{ state_translated('bad id') }}",
    "{{ flatten(5) }}",
    "{{ union(1, [2]) }}",
    "{{ combine() }}",
    "{{ shuffle() }}",
    "{{ shuffle(5) }}",
    "{{ merge_response({'a': 5}) }}",
    "{{ merge_response({'a': {'entity_id': 1}}) }}",
    "{{ average() }}",
    "{{ min() }}",
    "{{ [1] | urlize }}",
    "{{ {'a': {1}} | to_json }}",
    "{{ '{}'.format_map(1, 2) }}",
    "{{ atan2('x', 1) }}",
    "{{ log('x') }}",
]


@pytest.mark.parametrize("source", WRONG)
def test_wrong_input_is_an_error(engine, source):
    with pytest.raises(TemplateError):
        engine.template(source).render()


def test_an_undefined_name_fails_in_strict_mode(engine):
    assert engine.evaluate("{{ nothing }}") == ""
    with pytest.raises(TemplateError, match="'nothing' is undefined"):
        engine.evaluate("{{ nothing }}", strict=True)


def test_dependencies_tell_what_matters():
    one = Dependencies(entities={"a.b"})
    domain = Dependencies(domains={"light"})
    count = Dependencies(domains_lifecycle={"light"})
    everything = Dependencies(all_states=True)

    assert one.concerns("a.b", is_lifecycle=False)
    assert not one.concerns("a.c", is_lifecycle=True)
    assert one.rate_limit is None
    assert domain.concerns("light.x", is_lifecycle=False)
    assert domain.rate_limit == dt.timedelta(seconds=1)
    assert not count.concerns("light.x", is_lifecycle=False)
    assert count.concerns("light.x", is_lifecycle=True)
    assert everything.concerns("any.thing", is_lifecycle=False)
    assert everything.rate_limit == dt.timedelta(minutes=1)


def test_truth_of_a_template(engine):
    assert engine.template("{{ 'on' }}").is_true()
    assert engine.template("{{ 2 }}").is_true()
    assert not engine.template("{{ [1] }}").is_true()
    assert repr(engine.template("x")) == "Template('x')"

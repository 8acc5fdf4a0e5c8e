import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rendering import as_number, binary_text, number_text, plain_text, state_text

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (21.0, "21"), (21.5, "21.5"), (-0.0, "0"), (7, "7"), (0.1 + 0.2, "0.30000000000000004"),
        (1e15, "1000000000000000"), (1e16, "1e+16"), (1e300, "1e+300"), (-5.0, "-5"),
        (10**253, str(10**253)), (-(10**253), str(-(10**253))), (10**300, "unknown"),

    ],
)  # fmt: skip
def test_a_number_is_written_without_a_needless_fraction(value, text):
    assert number_text(value) == text


def test_a_number_that_python_refuses_to_write_is_unknown():
    assert number_text(10**5000) == "unknown"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "on"), (False, "off"), (1, "on"), (0, "off"), (0.0, "off"), (" ON ", "on"),
        ("closed", "off"), ("alarm", "on"), ("ok", "off"), ("perhaps", "unknown"), ([], "unknown"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("domain", ["binary_sensor", "switch"])
def test_a_binary_sensor_is_on_off_or_unknown(domain, value, text):
    assert binary_text(value) == text
    assert state_text(domain, value) == (text, None, text != "unknown")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "on"), (False, "off"), (2.0, "2"), ("open", "open"), ("", ""), ([1, "a"], '[1,"a"]'),
        ({"a": None}, '{"a":null}'), ("é" * 255, "é" * 255), ("a\ud800", "a?"),
        (["\ud800"], '["\\ud800"]'), ({None: 1}, '{"null": 1}'),
    ],
)  # fmt: skip
def test_any_other_value_is_shown_as_it_is(value, text):
    assert plain_text(value) == (text, None)
    assert state_text("sensor", value) == (text, None, True)


@pytest.mark.parametrize("value", ["x" * 256, ["x" * 300], 10**300])
def test_what_is_too_long_for_a_state_moves_to_an_attribute(value):
    assert state_text("sensor", value) == ("unknown", {"value": value}, True)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (True, 1), (False, 0), (3, 3), (2.5, 2.5), ("2.5", 2.5), (" 7 ", 7), ("1e3", 1000),
        ("nan", None), ("inf", None), ("-Infinity", None), ("seven", None), ("", None), ([], None),
    ],
)  # fmt: skip
def test_a_number_is_found_in_numbers_booleans_and_numeric_text(value, number):
    assert as_number(value) == number


def test_a_numeric_sensor_shows_numbers_only():
    assert state_text("sensor", "21.50", is_numeric=True) == ("21.5", None, True)
    assert state_text("sensor", True, is_numeric=True) == ("1", None, True)
    assert state_text("sensor", "broken", is_numeric=True) == ("unknown", None, False)
    assert state_text("sensor", 10**300, is_numeric=True) == ("unknown", None, False)


@pytest.mark.parametrize("domain", ["sensor", "binary_sensor"])
def test_a_gap_is_unavailable(domain):
    assert state_text(domain, None) == ("unavailable", None, True)


@given(st.sampled_from(["sensor", "binary_sensor"]), JSON, st.booleans())
def test_every_value_gives_a_text_that_a_client_can_be_told(domain, value, is_numeric):
    text, extra, _ = state_text(domain, value, is_numeric=is_numeric)

    assert len(text) <= 255
    text.encode()
    json.dumps(extra)

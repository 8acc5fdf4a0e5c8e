import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.storage.values import decode, encode

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "num", "raw"),
    [
        (7, 7, None),
        (7.5, 7.5, None),
        (7.0, 7.0, None),
        ("7", 7, '"7"'),
        ("-7", -7, '"-7"'),
        (" 6.0 ", 6.0, '" 6.0 "'),
        ("1e3", 1000.0, '"1e3"'),
        (".5", 0.5, '".5"'),
        (True, 1, "true"),
        (False, 0, "false"),
        (None, None, None),
        ("open", None, '"open"'),
        ("", None, '""'),
        ({}, None, "{}"),
        ([1, "a"], None, '[1,"a"]'),
        ({"b": 1, "a": 2}, None, '{"a":2,"b":1}'),
        (1 << 63, float(1 << 63), "9223372036854775808"),
        ((1 << 63) - 1, (1 << 63) - 1, None),
        (-(1 << 63), -(1 << 63), None),
        ("9" * 30, float("9" * 30), f'"{"9" * 30}"'),
        ("1_000", None, '"1_000"'),
        ("nan", None, '"nan"'),
        ("1e999", None, '"1e999"'),
        ("٣", None, '"٣"'),
        ("é", None, '"é"'),
    ],
)
def test_a_value_becomes_a_number_and_its_json_where_they_differ(value, num, raw):
    got = encode(value)

    assert got == (num, raw)
    assert type(got[0]) is type(num)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [math.nan], {"a": math.inf}])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(ValueError, match=r"nan|inf|JSON"):
        encode(value)


@pytest.mark.parametrize("value", [{1, 2}, object(), [b"x"]])
def test_what_is_no_json_value_is_refused(value):
    with pytest.raises(ValueError, match="must be a JSON value"):
        encode(value)


def test_an_integer_beyond_floats_is_kept_as_text_alone():
    assert encode(10**400) == (None, str(10**400))
    assert decode(*encode(10**400)) == 10**400


def test_half_a_surrogate_pair_survives():
    for value in ("\ud800", ["\udfff"]):
        num, raw = encode(value)
        raw.encode()
        assert decode(num, raw) == value


def test_text_that_is_long_is_no_number():
    assert encode("1" * 65)[0] is None


@given(JSON)
def test_decoding_gives_back_exactly_what_was_encoded(value):
    num, raw = encode(value)
    back = decode(num, raw)

    assert back == value
    assert type(back) is type(value)
    # The canonical text tells 1 from 1.0 and from true at any depth.
    assert json.dumps(back, sort_keys=True) == json.dumps(value, sort_keys=True)


@given(st.text(alphabet="0123456789+-.eE _\t\u0663nai"))
def test_numeric_text_means_what_float_says(text):
    num, raw = encode(text)

    assert decode(num, raw) == text
    if num is not None:
        assert float(text) == float(num)

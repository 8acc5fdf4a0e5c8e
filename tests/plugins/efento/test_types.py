import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import units
from hub.units import BINARY_SENSOR_CLASSES, SENSOR_CLASSES, STATE_CLASSES
from hub_efento.types import KINDS, kind_of

TEMPERATURE = kind_of("temperature")
DOOR = kind_of("open-close")
RADON = kind_of("radon")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_classes_are_home_assistants(name):
    kind = KINDS[name]

    known = BINARY_SENSOR_CLASSES if kind.is_binary else SENSOR_CLASSES
    assert kind.device_class is None or kind.device_class in known
    assert kind.state_class is None or kind.state_class in STATE_CLASSES
    assert name == name.lower()
    assert "-" not in name


def test_documented_types_have_their_units():
    assert TEMPERATURE.unit == units.CELSIUS
    assert kind_of("humidity").unit == units.PERCENT
    assert kind_of("pressure").unit == units.HECTOPASCAL
    assert kind_of("pressure_diff").unit == units.PASCAL
    assert DOOR.is_binary


@pytest.mark.parametrize("text", ["Open-Close", "open_close", " OPEN CLOSE "])
def test_spelling_does_not_matter(text):
    assert kind_of(text) is DOOR


def test_an_alias_is_the_same_kind():
    assert kind_of("flooding") is kind_of("leakage")


def test_an_unknown_type_keeps_its_name_and_has_no_unit():
    assert (RADON.name, RADON.label, RADON.unit) == ("radon", "Radon", None)
    assert not RADON.is_known
    assert kind_of("alpha-beta x").name == "alpha_beta_x"


@pytest.mark.parametrize("text", ["", " ", "a\nb", "x" * 65])
def test_what_can_not_be_a_name_is_refused(text):
    with pytest.raises(ValueError, match="expected a type"):
        kind_of(text)


@pytest.mark.parametrize("value", [6, 6.0, "6", " 6.0 ", "+6", "6."])
def test_a_number_is_the_same_in_every_form(value):
    assert TEMPERATURE.read(value) == 6.0
    assert RADON.read(value) == 6.0


@pytest.mark.parametrize(
    "value",
    [None, math.nan, math.inf, -math.inf, "NaN", "-Infinity", 8355840, 8388557, 8388607, "8388557"],
)
def test_what_a_broken_sensor_says_is_a_gap(value):
    assert TEMPERATURE.read(value) is None


@pytest.mark.parametrize("value", [8355839, 8388608])
def test_the_codes_of_broken_sensors_have_bounds(value):
    assert TEMPERATURE.read(value) == value


@pytest.mark.parametrize("value", ["warm", "", "21,5", "1_000", "٣", True, False, [], {}, 1 << 64])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="expected a number"):
        TEMPERATURE.read(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("open", True), ("Closed", False), (" alarm ", True), ("ok", False), ("on", True),
     ("off", False), ("true", True), ("FALSE", False), (True, True), (False, False), (1, True),
     (0, False), (1.0, True), ("no water", False), ("water", True)],
)  # fmt: skip
def test_words_and_numbers_open_and_close(value, expected):
    assert DOOR.read(value) is expected


@pytest.mark.parametrize("value", ["ajar", 2, -1, 0.5, []])
def test_what_is_neither_open_nor_closed_is_refused(value):
    with pytest.raises(ValueError, match="expected"):
        DOOR.read(value)


def test_unknown_types_may_hold_text_and_truth_values():
    assert RADON.read("high") == "high"
    assert RADON.read(True) is True


@pytest.mark.parametrize("value", ["\ud800", "x" * 5000])
def test_text_that_can_not_be_stored_is_refused(value):
    with pytest.raises(ValueError, match=r"surrogates|at most"):
        RADON.read(value)


@given(
    st.sampled_from([TEMPERATURE, DOOR, RADON]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
)
def test_any_value_is_read_or_refused(kind, value):
    try:
        found = kind.read(value)
    except ValueError:
        return
    if kind is DOOR:
        assert found is None or isinstance(found, bool)
    if isinstance(found, float):
        assert math.isfinite(found)

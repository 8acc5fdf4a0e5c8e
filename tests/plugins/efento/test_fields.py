import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import UTC
from hub_efento import fields

READERS = [
    fields.serial, fields.moment, fields.params, fields.whole, fields.channel, fields.number,
    fields.signal, fields.interval, fields.is_ok, fields.is_battery_low, fields.mac, fields.label,
    fields.unix, fields.count, fields.loggers, fields.flag,
]  # fmt: skip
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.from_regex(r"\A[-+.0-9:TZ /]{0,30}\Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(ANYTHING, st.sampled_from(READERS))
def test_a_reader_returns_a_value_or_raises_value_error_in_plain_ascii(value, reader):
    problem = ""
    try:
        reader(value)
    except ValueError as err:
        problem = str(err)

    assert problem.replace("…", "").isascii()
    assert len(problem) < 200


@pytest.mark.parametrize(
    "text",
    [
        "2024-10-12 15:28:21 UTC",
        "2024-10-12 15:28:21",
        "2024-10-12 15:28:21Z",
        "2024-10-12T15:28:21Z",
        "2024-10-12T15:28:21",
        "2024-10-12T17:28:21+02:00",
        " 2024-10-12 15:28:21 UTC ",
        "2024-10-12 15:28:21UTC",
        "2024-10-12T15:28:21.000 UTC",
    ],
)
def test_times_are_utc_in_every_spelling(text):
    at = fields.moment(text)

    assert at == dt.datetime(2024, 10, 12, 15, 28, 21, tzinfo=UTC)
    assert at.utcoffset() == dt.timedelta(0)


@pytest.mark.parametrize(
    "value",
    [None, 1728746901, "", "2024-10-12", "yesterday at noon, UTC", "2024-13-12 15:28:21 UTC",
     "2024-10-12 15:28:21 CET", "0001-01-01T00:00:00+05:00", True, "2024-10-12 25:28:21 UTC"],
)  # fmt: skip
def test_what_is_no_time_is_refused(value):
    with pytest.raises(ValueError, match="expected a time"):
        fields.moment(value)


def test_a_serial_number_is_written_in_upper_case():
    assert fields.serial(" 282c024fffb1 ") == "282C024FFFB1"


@pytest.mark.parametrize("value", [None, 282, "", "  ", "x" * 65, "a\nb", "\ud800", ["a"]])
def test_what_is_no_serial_number_is_refused(value):
    with pytest.raises(ValueError, match="expected"):
        fields.serial(value)


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (4.0, 4), (" 4 ", 4), ("-4", -4)])
def test_whole_numbers_come_in_several_forms(value, expected):
    found = fields.whole(value)

    assert found == expected
    assert type(found) is int


@pytest.mark.parametrize("value", [True, 1.5, "1.5", "", None, 1 << 63, [], float("inf"), "٣"])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(ValueError, match="expected a whole number"):
        fields.whole(value)


@pytest.mark.parametrize("value", [True, "x", float("nan"), float("inf"), 1e30, None, "1e5"])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValueError, match="expected a number"):
        fields.number(value)


def test_a_signal_that_is_not_negative_is_on_another_scale():
    assert fields.signal("-70") == -70.0
    assert fields.signal(31) is None


@pytest.mark.parametrize("value", [0, -1, 1e9])
def test_intervals_are_positive_and_sane(value):
    with pytest.raises(ValueError, match="seconds"):
        fields.interval(value)


def test_a_channel_is_a_number_of_a_sane_size():
    assert fields.channel("6") == 6
    with pytest.raises(ValueError, match="channel"):
        fields.channel(1 << 40)


@pytest.mark.parametrize(("value", "expected"), [(None, True), ("OK", True), (" Error", False)])
def test_the_status_may_be_missing_and_its_case_does_not_matter(value, expected):
    assert fields.is_ok(value) is expected


@pytest.mark.parametrize("value", ["", "maybe", 1, True])
def test_an_unknown_status_is_refused(value):
    with pytest.raises(ValueError, match="ok or error"):
        fields.is_ok(value)


@pytest.mark.parametrize("value", ["full", 95, None])
def test_an_unknown_battery_is_refused(value):
    with pytest.raises(ValueError, match="ok or low"):
        fields.is_battery_low(value)


def test_the_battery_is_ok_or_low():
    assert fields.is_battery_low("LOW")
    assert not fields.is_battery_low("ok")


@pytest.mark.parametrize("value", ["28:2C:02:4F:03:0A", "28-2c-02-4f-03-0a", "282C024F030A"])
def test_a_mac_address_is_read_in_every_spelling(value):
    assert fields.mac(value) == "282C024F030A"


@pytest.mark.parametrize("value", [None, "28:2C", "ZZ:2C:02:4F:03:0A", 5])
def test_what_is_no_mac_address_is_refused(value):
    with pytest.raises(ValueError, match="MAC"):
        fields.mac(value)


@pytest.mark.parametrize(
    ("value", "expected"), [("128/128", (128, 128)), ("5", (5, None)), (7, (7, None))]
)
def test_the_number_of_loggers_may_come_with_the_capacity(value, expected):
    assert fields.loggers(value) == expected


@pytest.mark.parametrize("value", ["", "a/b", "1/2/3", "-1/4", None, True])
def test_what_is_no_number_of_loggers_is_refused(value):
    with pytest.raises(ValueError, match="expected"):
        fields.loggers(value)


@pytest.mark.parametrize("value", [1e17, -1e17, float("nan"), "soon"])
def test_unix_times_out_of_range_are_refused(value):
    with pytest.raises(ValueError, match="seconds since 1970"):
        fields.unix(value)


@pytest.mark.parametrize("value", ["true", 2, None, 0.0])
def test_flags_are_truth_values(value):
    with pytest.raises(ValueError, match="true or false"):
        fields.flag(value)


def test_flags_may_be_written_as_numbers():
    assert fields.flag(True) is True
    assert fields.flag(0) is False


@pytest.mark.parametrize("value", ["", "a\x00b", "x" * 256, 5])
def test_labels_are_short_printable_text(value):
    with pytest.raises(ValueError, match="text"):
        fields.label(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [({}, "an object"), ([], "a list"), (None, "nothing"), (True, "true"), ("é", r"'\xe9'"),
     (1 << 70, "a number of more than 64 bits")],
)  # fmt: skip
def test_values_are_shown_briefly(value, expected):
    assert fields.shown(value) == expected
    assert len(fields.shown("é" * 1000)) < 70

"""Lengths of time and moments of the clock."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.automation.clocktimes import ClockPattern, parse_time, pattern_of
from hub.automation.periods import parse_period
from hub.automation.template.times import age, parse_timedelta

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SECOND = dt.timedelta(seconds=1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (5, 5),
        ("5", 5),
        (1.5, 1.5),
        ("00:02", 120),
        ("01:02:03.5", 3723.5),
        ("-00:01", -60),
        ("+00:01", 60),
        ({"minutes": 1, "milliseconds": "500"}, 60.5),
        (dt.timedelta(hours=1), 3600),
    ],
)
def test_a_period_is_read(text, seconds):
    assert parse_period(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "wrong", ["", "x", "1:2:3:4", None, True, {}, {"weeks": 1}, {"seconds": "x"}, "nan", 1e20, [1]]
)
def test_a_wrong_period_is_refused(wrong):
    with pytest.raises(ValueError, match="expected seconds"):
        parse_period(wrong)


@given(st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.none()))
def test_anything_is_a_period_or_refused(value):
    try:
        period = parse_period(value)
    except ValueError:
        return
    assert isinstance(period, dt.timedelta)


@given(
    st.datetimes(
        dt.datetime(2024, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        dt.datetime(2026, 1, 1),  # noqa: DTZ001
        timezones=st.just(dt.UTC),
    ),
    st.times().map(lambda t: t.replace(microsecond=0)),
)
def test_the_next_time_of_day_is_one_and_none_was_before_it(now, time):
    found = pattern_of(time).next(now, AMSTERDAM)

    assert found is not None
    assert found >= now
    assert found.astimezone(AMSTERDAM).time() == time
    assert found - now <= dt.timedelta(days=2, hours=1)


def test_an_hour_that_is_left_out_has_no_match():
    found = pattern_of(parse_time("02:30")).next(
        dt.datetime(2025, 3, 30, 0, 0, tzinfo=dt.UTC), AMSTERDAM
    )

    assert found == dt.datetime(2025, 3, 31, 0, 30, tzinfo=dt.UTC)


def test_an_hour_that_is_repeated_has_two():
    pattern = pattern_of(parse_time("02:30"))
    first = pattern.next(dt.datetime(2025, 10, 25, 22, tzinfo=dt.UTC), AMSTERDAM)
    second = pattern.next(first + SECOND, AMSTERDAM)

    assert second - first == dt.timedelta(hours=1)


def test_a_pattern_that_never_matches_ends():
    empty = ClockPattern(frozenset(), None, None)

    assert empty.next(dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.UTC) is None


@pytest.mark.parametrize("wrong", ["24:00", "1", "1:2:3:4", "a:b", "12:60", "-1:00", ""])
def test_a_wrong_time_is_refused(wrong):
    with pytest.raises(ValueError, match="expected HH:MM"):
        parse_time(wrong)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1 02:00:00", 93600),
        ("-1:30", -90),
        ("PT10M", 600),
        ("P1DT1S", 86401),
        ("-PT1S", -1),
        ("2 days, 0:00:01", 172801),
    ],
)
def test_a_duration_is_read(text, seconds):
    assert parse_timedelta(text).total_seconds() == seconds


@pytest.mark.parametrize("wrong", ["", "P", "PT", "x", "1:2:3:4"])
def test_a_wrong_duration_is_none(wrong):
    assert parse_timedelta(wrong) is None


def test_an_age_has_as_many_units_as_asked_for():
    assert age(90 * 60) == "2 hours"
    assert age(90 * 60, 2) == "1 hour 30 minutes"
    assert age(90061, 0) == "1 day 1 hour 1 minute 1 second"
    assert age(0) == "0 seconds"

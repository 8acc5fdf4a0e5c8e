import asyncio
import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import UTC, SystemClock, from_us, to_us


@given(st.datetimes(timezones=st.timezones()))
def test_microseconds_and_datetimes_are_the_same(moment):
    assert from_us(to_us(moment)) == moment.astimezone(UTC)


@given(st.integers(-(10**16), 10**17))
def test_microseconds_come_back_exactly(us):
    assert to_us(from_us(us)) == us
    assert from_us(us).tzinfo is UTC


def test_a_time_without_a_zone_can_not_be_converted():
    with pytest.raises(TypeError):
        to_us(dt.datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_system_clock_is_the_machines():
    clock = SystemClock()

    assert clock.now().tzinfo is UTC
    assert abs(clock.now_us() - time.time_ns() // 1000) < 1_000_000
    assert abs(to_us(clock.now()) - clock.now_us()) < 1_000_000
    assert clock.monotonic() <= clock.monotonic()


async def test_call_later_calls_once_and_can_be_cancelled():
    clock, called = SystemClock(), []
    clock.call_later(-1, lambda: called.append(1))
    clock.call_later(0.01, lambda: called.append(2))
    clock.call_later(0, lambda: called.append(3))()
    await clock.sleep(0.05)

    assert called == [1, 2]


async def test_call_at_waits_for_the_wall_clock_even_if_it_is_set():
    class Jumping(SystemClock):
        LONGEST_WAIT = 0.001
        ahead = dt.timedelta()

        def now(self):
            return super().now() + self.ahead

    clock, called = Jumping(), asyncio.Event()
    clock.call_at(clock.now() + dt.timedelta(hours=1), called.set)
    await asyncio.sleep(0.02)
    assert not called.is_set()

    clock.ahead = dt.timedelta(hours=2)
    await asyncio.wait_for(called.wait(), 5)


async def test_call_at_can_be_cancelled_at_any_time():
    class Short(SystemClock):
        LONGEST_WAIT = 0.001

    clock, called = Short(), []
    cancel = clock.call_at(clock.now() + dt.timedelta(seconds=0.03), lambda: called.append(1))
    await asyncio.sleep(0.01)
    cancel()
    clock.call_at(clock.now() - dt.timedelta(hours=1), lambda: called.append("past"))
    await asyncio.sleep(0.05)

    assert called == ["past"]

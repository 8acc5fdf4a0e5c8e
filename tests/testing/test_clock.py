"""The clock that only a test moves."""

import asyncio
import datetime as dt

import pytest

from hub.testing.clock import ManualClock

START = dt.datetime(2025, 3, 3, 12, tzinfo=dt.UTC)


async def test_time_stands_still_by_itself():
    clock = ManualClock(START)
    await asyncio.sleep(0.01)

    assert clock.now() == START
    assert clock.monotonic() == 0


async def test_timers_run_in_order_each_at_its_own_time():
    clock = ManualClock(START)
    seen = []
    clock.call_later(5, lambda: seen.append(("b", clock.monotonic())))
    clock.call_at(START + dt.timedelta(seconds=2), lambda: seen.append(("a", clock.monotonic())))
    cancel = clock.call_later(3, lambda: seen.append(("never", 0)))
    cancel()
    cancel()
    assert clock.timer_count == 2
    await clock.advance(10)

    assert seen == [("a", 2.0), ("b", 5.0)]
    assert clock.monotonic() == 10
    assert clock.timer_count == 0


async def test_what_wakes_up_runs_before_time_goes_on():
    clock = ManualClock(START)
    seen = []

    async def sleeper():
        for _ in range(3):
            await clock.sleep(1)
            seen.append(clock.monotonic())

    task = asyncio.ensure_future(sleeper())
    await clock.advance(2.5)
    assert seen == [1.0, 2.0]
    await clock.advance(minutes=1)
    await task

    assert seen == [1.0, 2.0, 3.0]


async def test_a_cancelled_sleep_leaves_no_timer():
    clock = ManualClock(START)
    task = asyncio.ensure_future(clock.sleep(5))
    await clock.settle()
    task.cancel()
    await clock.settle()

    assert clock.timer_count == 0


async def test_something_that_runs_for_ever_is_noticed(monkeypatch):
    monkeypatch.setattr("hub.testing.clock._MOST_TURNS", 200)
    clock = ManualClock(START)
    task = asyncio.ensure_future(busy())
    with pytest.raises(RuntimeError, match="never idle"):
        await clock.advance(1)
    task.cancel()


async def busy():
    for _ in range(100_000):
        await asyncio.sleep(0)

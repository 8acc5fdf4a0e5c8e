"""Time is a parameter: the one place that reads the machine's clocks."""

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from typing import Protocol

UTC = dt.UTC
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = dt.timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the time and wakes callers later; tests pass one whose time they move."""

    def now(self) -> dt.datetime:
        """Return the wall clock, aware, in UTC."""
        ...

    def now_us(self) -> int:
        """Return the wall clock in microseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never jump, for measuring how long something took."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* on the loop after *delay* seconds; return what cancels it."""
        ...

    def call_at(self, when: dt.datetime, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* once the wall clock has reached *when*; return what cancels it."""
        ...

    async def sleep(self, delay: float) -> None:
        """Wait *delay* seconds."""
        ...


class SystemClock:
    """The machine's clocks and the running event loop's timers."""

    # The wall clock may be set while a timer waits, and a loop timer that sleeps past a change of
    # it fires at the wrong moment: long waits are cut and looked at again this often.
    LONGEST_WAIT = 60.0

    def now(self) -> dt.datetime:
        """Return the wall clock, aware, in UTC."""
        return dt.datetime.now(UTC)  # noqa: TID251 - this is the clock

    def now_us(self) -> int:
        """Return the wall clock in microseconds since 1970."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        return time.monotonic()

    def call_later(self, delay: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* on the running loop after *delay* seconds."""
        return asyncio.get_running_loop().call_later(max(0.0, delay), callback).cancel

    def call_at(self, when: dt.datetime, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* once the wall clock has reached *when*, also if the clock is set."""
        loop = asyncio.get_running_loop()
        handle: asyncio.TimerHandle

        def look() -> None:
            nonlocal handle
            left = (when - self.now()).total_seconds()
            if left <= 0:
                callback()
            else:
                handle = loop.call_later(min(left, self.LONGEST_WAIT), look)

        left = (when - self.now()).total_seconds()
        handle = loop.call_later(max(0.0, min(left, self.LONGEST_WAIT)), look)
        return lambda: handle.cancel()  # noqa: PLW0108 - the handle changes

    async def sleep(self, delay: float) -> None:
        """Wait *delay* seconds."""
        await asyncio.sleep(delay)


def to_us(moment: dt.datetime) -> int:
    """Convert an aware datetime to microseconds since 1970, exactly."""
    return (moment - EPOCH) // MICROSECOND


def from_us(us: int) -> dt.datetime:
    """Convert microseconds since 1970 to an aware datetime in UTC."""
    return EPOCH + dt.timedelta(microseconds=us)

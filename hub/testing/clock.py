"""A clock that moves only when a test moves it."""

import asyncio
import datetime as dt
import heapq
import itertools
from collections.abc import Callable

from hub.clock import from_us, to_us

_START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
# So many turns of the loop in a row must have nothing to do before time may pass.
_QUIET_TURNS = 5
_MOST_TURNS = 100_000


class ManualClock:
    """A :class:`~hub.clock.Clock` whose time is the test's.

    ``now`` and ``monotonic`` move together, and only by :meth:`advance` and :meth:`move_to`.
    Timers run in the order of their times; between two of them everything on the event loop that
    can run does.
    """

    def __init__(self, start: dt.datetime = _START) -> None:
        self._start_us = self._now_us = to_us(start)
        self._order = itertools.count()
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._cancelled: set[int] = set()

    def now(self) -> dt.datetime:
        """Return the wall clock, aware, in UTC."""
        return from_us(self._now_us)

    def now_us(self) -> int:
        """Return the wall clock in microseconds since 1970."""
        return self._now_us

    def monotonic(self) -> float:
        """Return the seconds since the clock was made."""
        return (self._now_us - self._start_us) / 1e6

    def call_later(self, delay: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* once *delay* seconds have been advanced; return what cancels it."""
        return self._add(self._now_us + max(0, round(delay * 1e6)), callback)

    def call_at(self, when: dt.datetime, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* once the clock has reached *when*; return what cancels it."""
        return self._add(max(self._now_us, to_us(when)), callback)

    async def sleep(self, delay: float) -> None:
        """Wait until *delay* seconds have been advanced."""
        if delay <= 0:
            await asyncio.sleep(0)
            return
        done = asyncio.get_running_loop().create_future()
        cancel = self.call_later(delay, lambda: None if done.done() else done.set_result(None))
        try:
            await done
        finally:
            cancel()

    async def advance(self, seconds: float = 0, *, minutes: float = 0) -> None:
        """Let time pass, from one timer to the next."""
        await self.move_to(from_us(self._now_us + round((seconds + minutes * 60) * 1e6)))

    async def move_to(self, when: dt.datetime) -> None:
        """Let time pass until *when*."""
        end_us = to_us(when)
        await self.settle()
        while self._timers and self._timers[0][0] <= end_us:
            at_us, ticket, callback = heapq.heappop(self._timers)
            if ticket in self._cancelled:
                self._cancelled.discard(ticket)
                continue
            self._now_us = max(self._now_us, at_us)
            callback()
            await self.settle()
        self._now_us = max(self._now_us, end_us)
        await self.settle()

    async def settle(self) -> None:
        """Let everything run that can run now.

        Raises:
            RuntimeError: It never ends.
        """
        loop = asyncio.get_running_loop()
        # There is no public way to ask whether a loop has work; without this one, settling is a
        # fixed number of turns.
        ready = getattr(loop, "_ready", ())
        quiet = 0
        for _ in range(_MOST_TURNS):
            await asyncio.sleep(0)
            quiet = 0 if ready else quiet + 1
            if quiet >= _QUIET_TURNS:
                return
        raise RuntimeError("the event loop is never idle: something runs for ever")

    @property
    def timer_count(self) -> int:
        """How many timers wait."""
        return len(self._timers) - len(self._cancelled)

    def _add(self, at_us: int, callback: Callable[[], None]) -> Callable[[], None]:
        ticket = next(self._order)
        heapq.heappush(self._timers, (at_us, ticket, callback))

        def cancel() -> None:
            if any(waiting[1] == ticket for waiting in self._timers):
                self._cancelled.add(ticket)

        return cancel

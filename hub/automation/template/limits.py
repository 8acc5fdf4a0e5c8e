"""What one render of a template may use: steps, time, and memory.

A template runs on the event loop, so each of its loops, calls and growing operations is counted
against one :class:`Budget`. The numbers are far above what a sensible template needs.
"""

import datetime as dt
import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any

from hub.errors import TemplateError

MAX_SOURCE = 64 * 1024
"""Characters in a template's source."""
MAX_TOKENS = 10_000
"""Words and signs in a template's source."""
MAX_NODES = 4000
"""Parts of a template: each costs a few microseconds to compile."""
MAX_OUTPUT = 262_144
"""Characters a template may print; Home Assistant's number."""
MAX_VALUE = 1 << 20
"""Characters or items in one value."""
MAX_BITS = 16_384
"""Binary digits of a whole number."""
MAX_STEPS = 1_000_000
"""Loop turns, calls and items that filters look at, in one render."""
MAX_TOTAL = 1 << 23
"""Characters and items made in one render, all values together."""
TIME_LIMIT = dt.timedelta(milliseconds=100)
"""Processor time of one render."""

_LOOK_EVERY = 16
# Processor time: a template is not to blame for what else the machine does meanwhile.
_ticks = time.thread_time


class Budget:
    """What is left of one render; :meth:`restart` fills it up again."""

    __slots__ = ("deadline", "seconds", "steps", "total")

    def __init__(self, time_limit: dt.timedelta = TIME_LIMIT) -> None:
        self.seconds = time_limit.total_seconds()
        self.restart()

    def restart(self) -> None:
        """Begin a new render."""
        self.steps = MAX_STEPS
        self.total = MAX_TOTAL
        self.deadline = _ticks() + self.seconds

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.deadline - _ticks()

    def step(self) -> None:
        """Count one turn of a loop, or one call.

        Raises:
            TemplateError: Nothing is left.
        """
        steps = self.steps - 1
        self.steps = steps
        if steps % _LOOK_EVERY == 0:
            self.look()

    def look(self) -> None:
        """Compare what was used with the limits.

        Raises:
            TemplateError: One is passed.
        """
        if self.steps < 0:
            raise TemplateError(f"the template took more than {MAX_STEPS} steps")
        if _ticks() > self.deadline:
            raise TemplateError(f"the template took longer than {self.seconds * 1000:.0f} ms")

    def spend(self, count: int) -> None:
        """Count *count* steps at once."""
        self.steps -= count
        self.look()

    def grow(self, size: int) -> None:
        """Count a value of *size* characters or items before it is made.

        Raises:
            TemplateError: It is too large, or all values together are.
        """
        if size > MAX_VALUE:
            raise TemplateError(f"a value would have {size} characters or items, over {MAX_VALUE}")
        self.total -= size
        if self.total < 0:
            raise TemplateError(f"the template made more than {MAX_TOTAL} characters and items")
        if size > 1024:
            self.look()

    def hold(self, value: object) -> None:
        """Count a value that contains others, as large as it would print."""
        self.grow(size_of(value, MAX_VALUE))

    def counted(self, value: Any) -> Any:  # noqa: ANN401 - any value passes through
        """Count the items of *value*: at once if it knows their number, else as they come."""
        if isinstance(value, list | tuple | dict | set | frozenset | range):
            self.spend(len(value))
        elif isinstance(value, str | bytes):
            self.spend(1 + len(value) // 64)
        elif isinstance(value, Iterator):
            return self._counting(value)
        return value

    def _counting(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.step()
            yield item


def size_of(value: object, cap: int) -> int:
    """Estimate how many characters *value* prints as; counting ends beyond *cap*."""
    total = 0
    waiting: list[object] = [value]
    while waiting and total <= cap:
        item = waiting.pop()
        if isinstance(item, str | bytes | bytearray):
            total += len(item) + 2
        elif isinstance(item, bool | float | None):
            total += 5
        elif isinstance(item, int):
            total += item.bit_length() // 3 + 1
        elif isinstance(item, Sized) and isinstance(item, Mapping | list | tuple | set | frozenset):
            total += 2 + 2 * len(item)
            if total > cap:
                break
            waiting.extend(item)
            if isinstance(item, Mapping):
                waiting.extend(item.values())
        else:
            total += 20
    return total

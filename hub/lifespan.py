"""One plugin's lifespan, in a task of its own from its beginning to its end.

The task is what keeps it apart: a task group or a time-out that a plugin opens in its lifespan
cancels the task it was opened in, and that must not be the hub's. It also lets the hub go on when a
lifespan neither ends nor lets itself be cancelled.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from hub.tasks import Tasks

# How long a cancelled lifespan may take to tidy up.
_GRACE_SECONDS = 1.0


class Lifespan:
    """Enters a context manager, holds it, and leaves it when told to."""

    def __init__(
        self,
        owner: str,
        manager: AbstractAsyncContextManager[object],
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self.error: BaseException | None = None
        """What it raised."""
        self._manager = manager
        self._on_crash = on_crash
        self._tasks = Tasks(owner)
        self._is_up = False
        self._has_started = asyncio.Event()
        self._may_end = asyncio.Event()
        self._has_ended = asyncio.Event()

    async def start(self, seconds: float) -> bool:
        """Enter it; tell whether it came up in time, with the reason in ``error`` if it raised."""
        self._tasks.spawn(self._live(), name="lifespan", on_error=self._failed)
        try:
            async with asyncio.timeout(seconds):
                await self._has_started.wait()
        except TimeoutError:
            pass
        finally:
            if not self._is_up:
                self._may_end.set()
                await self._tasks.stop(grace=_GRACE_SECONDS)
        return self._is_up

    async def stop(self, seconds: float) -> bool:
        """Leave it; tell whether it left in time, with what it raised in ``error``."""
        self._may_end.set()
        try:
            async with asyncio.timeout(seconds):
                await self._has_ended.wait()
        except TimeoutError:
            await self._tasks.stop(grace=_GRACE_SECONDS)
            return False
        return True

    async def _live(self) -> None:
        try:
            async with self._manager:
                self._is_up = True
                self._has_started.set()
                await self._may_end.wait()
        finally:
            self._has_started.set()  # it is over: whoever waits for the start need not
            self._has_ended.set()

    def _failed(self, error: BaseException) -> None:
        self.error = error
        if self._is_up and not self._may_end.is_set():
            self._on_crash(error)

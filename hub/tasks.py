"""Tasks with an owner: whoever starts one can stop it, and a failure is never lost."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """The background tasks of one owner."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.failed_count = 0
        self.last_error: str | None = None
        self._running: set[asyncio.Task[None]] = set()

    def spawn(
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str,
        on_error: Callable[[BaseException], None] | None = None,
    ) -> Callable[[], object]:
        """Run *coro* in the background and return what cancels it.

        An error is logged with its owner, counted, and handed to *on_error*. A cancellation that
        nobody asked for is one: something that *coro* waited for was cancelled.
        """
        task = asyncio.get_running_loop().create_task(  # the one place that makes tasks
            self._guard(coro, name, on_error), name=f"{self.owner}:{name}"
        )
        self._running.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            coro.close()  # one that was cancelled before its first step has never been awaited

        task.add_done_callback(ended)
        return task.cancel

    async def stop(self, *, grace: float = 5.0) -> None:
        """Cancel what runs and wait for it, at most *grace* seconds."""
        me = asyncio.current_task()
        running = [t for t in self._running if t is not me]
        for task in running:
            task.cancel()
        if not running:
            return
        _, stuck = await asyncio.wait(running, timeout=grace)
        for task in stuck:
            log.warning("task does not stop owner=%s task=%s", self.owner, task.get_name())

    async def _guard(
        self,
        coro: Coroutine[Any, Any, Any],
        name: str,
        on_error: Callable[[BaseException], None] | None,
    ) -> None:
        try:
            await coro
        except (Exception, SystemExit, asyncio.CancelledError) as err:  # isolation: its owner's own
            me = asyncio.current_task()
            if isinstance(err, asyncio.CancelledError) and me is not None and me.cancelling():
                raise
            self.failed_count += 1
            self.last_error = f"{name}: {err}"
            log.exception("task failed owner=%s task=%s", self.owner, name)
            if on_error is not None:
                on_error(err)

    def __len__(self) -> int:
        return len(self._running)

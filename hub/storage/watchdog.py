"""The stall rule: nobody waits for a disk that does not move."""

import asyncio
from collections import deque
from collections.abc import Callable

from hub.errors import StorageBusy
from hub.storage.jobs import Job

STALL_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
_INTERVAL = 0.1


class Watchdog:
    """Fails those who wait once the writer stalls, or after their patience.

    Without a change of *progress* for one second all who wait get `StorageBusy`, and `is_stalled`
    stays true until it moves again; who has waited for five seconds gets it in any case. What
    they wait for goes on: a commit under way always finishes. The timer runs while somebody waits.
    """

    def __init__(self, progress: Callable[[], int]) -> None:
        self.stall_count = 0
        self._progress = progress
        self._waiting: deque[Job] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._seen = -1
        self._looked_at = 0.0
        self._still_for = 0.0
        self._has_stalled = False

    @property
    def is_stalled(self) -> bool:
        """Whether the writer was found not to move, and has not moved since."""
        if self._has_stalled and self._progress() != self._seen:
            self._has_stalled = False
        return self._has_stalled

    def watch(self, job: Job) -> None:
        """Begin to watch over *job*; jobs come in the order in which they will be done."""
        self._waiting.append(job)
        if self._timer is None:
            self._seen = self._progress()
            self._still_for = 0.0
            self._arm(job.future.get_loop())

    def settle(self, number: int) -> None:
        """Forget the jobs up to *number*: they are done."""
        waiting = self._waiting
        while waiting and waiting[0].number <= number:
            waiting.popleft()

    def stop(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looked_at = loop.time()
        self._timer = loop.call_later(_INTERVAL, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        progress = self._progress()
        if progress != self._seen:
            self._seen = progress
            self._still_for = 0.0
        else:
            # When the whole process slept, the writer had no more time than the loop.
            self._still_for += min(now - self._looked_at, 2 * _INTERVAL)
        waiting = self._waiting
        if waiting and self._still_for >= STALL_SECONDS - _INTERVAL / 2:
            self._has_stalled = True
            self.stall_count += 1
            self._give_up(len(waiting), "the disk has not answered for a second")
        while waiting and now - waiting[0].moment >= PATIENCE_SECONDS:
            self._give_up(1, "the disk is too slow")
        if waiting:
            self._arm(loop)

    def _give_up(self, count: int, why: str) -> None:
        for _ in range(count):
            job = self._waiting.popleft()
            if not job.future.done():
                job.future.set_exception(StorageBusy(f"{why}: try again later"))

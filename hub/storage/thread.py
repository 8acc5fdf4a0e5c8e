"""The writer's thread: which job is done when."""

import threading
import time
from collections import deque
from collections.abc import Callable

from hub.errors import StorageError
from hub.storage.committer import Committer
from hub.storage.jobs import Job

GROUP_ROWS = 20_000
"""How many rows one transaction takes before those behind it wait for the next."""
LAZY_SECONDS = 1.0
"""How long a job that nobody waits for may lie, and so the shortest time between such commits."""
STARVED_SECONDS = 0.5
"""How often background work gets a turn although somebody waits."""


class WriterThread:
    """Takes jobs in their order, commits them in groups and gives them to *deliver*.

    Urgent jobs are committed at once, together with all that lies before them. Background jobs
    run one at a time when nothing urgent waits, or twice a second if that never happens, and only
    once everything handed over before them is committed.
    """

    def __init__(self, committer: Committer, deliver: Callable[[list[Job]], None]) -> None:
        self.has_ended = False
        self._committer = committer
        self._deliver = deliver
        self._wake = threading.Event()
        self._arrived: deque[Job] = deque()  # appended by the loop, emptied by the thread
        self._background: deque[Job] = deque()
        self._pending: deque[Job] = deque()
        self._current: list[Job] = []
        self._urgent_count = 0
        self._lazy_due = 0.0
        self._sliced_at = 0.0
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="storage-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end once all that was handed over is done."""
        self._is_stopping = True
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Wait for the end of the thread; tell whether it came; blocks."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def put(self, job: Job) -> None:
        """Hand over a job."""
        self._arrived.append(job)
        if not self._wake.is_set():
            self._wake.set()

    def put_background(self, job: Job) -> None:
        """Hand over background work."""
        self._background.append(job)
        self._wake.set()

    @property
    def background_count(self) -> int:
        """How many background jobs wait."""
        return len(self._background)

    def _run(self) -> None:
        has_finished = False
        try:
            while self._step():
                pass
            has_finished = True
        finally:  # also when something happened that nobody foresaw: nobody may wait for ever
            self.has_ended = True
            self._committer.close(is_clean=has_finished)
            self._collect()
            left = [*self._current, *self._pending, *self._background]
            left.sort(key=lambda job: job.number)
            for job in left:
                job.error = StorageError("the writer has ended: restart the hub")
            self._deliver(left)

    def _step(self) -> bool:
        """Do one thing, or wait for something to do; tell whether to go on."""
        is_stopping = self._is_stopping  # looked at first: what came before it is collected
        self._wake.clear()
        self._collect()
        now = time.monotonic()
        if self._background and self._may_slice(now):
            self._slice()
        elif self._pending and (self._urgent_count or is_stopping or now >= self._lazy_due):
            self._commit_group()
        elif is_stopping and not self._background:
            return False
        elif not self._background:
            self._wake.wait(self._lazy_due - now if self._pending else None)
        return True

    def _collect(self) -> None:
        arrived = self._arrived
        while arrived:
            job = arrived.popleft()
            if job.is_urgent:
                self._urgent_count += 1
            elif not self._pending:
                self._lazy_due = time.monotonic() + LAZY_SECONDS
            self._pending.append(job)

    def _may_slice(self, now: float) -> bool:
        return not self._urgent_count or now - self._sliced_at >= STARVED_SECONDS

    def _slice(self) -> None:
        job = self._background[0]
        self._collect()  # all that was handed over before this job is in the queue by now
        if self._pending and self._pending[0].number < job.number:
            self._commit_group()  # background work may rely on what was handed over before it
            return
        self._current = [self._background.popleft()]
        self._committer.run_slice(job)
        self._current = []
        if job.wants_checkpoint:
            self._committer.checkpoint(is_forced=True)
        self._deliver([job])
        self._committer.checkpoint()
        self._sliced_at = time.monotonic()

    def _commit_group(self) -> None:
        group: list[Job] = []
        row_count = 0
        pending = self._pending
        while pending and (not group or row_count + pending[0].row_count <= GROUP_ROWS):
            job = pending.popleft()
            group.append(job)
            row_count += job.row_count
            if job.is_urgent:
                self._urgent_count -= 1
        if pending and not pending[0].is_urgent:
            self._lazy_due = time.monotonic() + LAZY_SECONDS
        self._current = group
        self._committer.commit(group)
        self._current = []
        self._deliver(group)
        self._committer.checkpoint()

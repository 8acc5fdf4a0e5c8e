"""Tasks that begin at once: a run that never waits ends without a task, in the turn it began."""

import asyncio
from asyncio import tasks as asyncio_tasks
from collections.abc import Coroutine, Generator
from typing import Any

from hub.tasks import Tasks


class _Beginning:
    """Stands for a task while its coroutine takes the first step.

    Time-outs remember the task that runs and cancel it later; by then the real one exists, and
    everything asked of this object goes there.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[Any] | None = None
        self._cancel_count = 0

    def become(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        for _ in range(self._cancel_count):
            task.cancel()

    def cancel(self, msg: object = None) -> bool:
        if self._task is not None:
            return self._task.cancel(msg)
        self._cancel_count += 1
        return True

    def uncancel(self) -> int:
        if self._task is not None:
            return self._task.uncancel()
        self._cancel_count = max(0, self._cancel_count - 1)
        return self._cancel_count

    def cancelling(self) -> int:
        return self._cancel_count if self._task is None else self._task.cancelling()

    def done(self) -> bool:
        return self._task is not None and self._task.done()

    def get_name(self) -> str:
        return self._name


class EagerTasks(Tasks):
    """Background tasks whose first step is taken by whoever begins them."""

    def begin(self, coro: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[None] | None:
        """Run *coro* until it waits for something; return the task for the rest, if any.

        Errors are logged and counted, as with :meth:`spawn`.
        """
        loop = asyncio.get_running_loop()
        guarded = self._guard(coro, name, None)
        beginning = _Beginning(f"{self.owner}:{name}")
        outer = asyncio.current_task(loop)
        # These four are asyncio's documented way for other implementations of tasks.
        if outer is not None:
            asyncio_tasks._leave_task(loop, outer)  # noqa: SLF001
        asyncio_tasks._enter_task(loop, beginning)  # type: ignore[arg-type]  # noqa: SLF001
        try:
            waiting = guarded.send(None)
        except StopIteration:
            return None
        finally:
            asyncio_tasks._leave_task(loop, beginning)  # type: ignore[arg-type]  # noqa: SLF001
            if outer is not None:
                asyncio_tasks._enter_task(loop, outer)  # noqa: SLF001
        task = loop.create_task(_Rest(guarded, waiting), name=beginning.get_name())
        beginning.become(task)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


class _Rest(Coroutine[Any, Any, None]):
    """A coroutine that has begun: gives out first what it already waits for."""

    def __init__(self, coro: Coroutine[Any, Any, None], waiting: object) -> None:
        self._coro = coro
        self._waiting = waiting
        self._has_begun = False

    def send(self, value: Any) -> Any:  # noqa: ANN401 - a coroutine's own signature
        if self._has_begun:
            return self._coro.send(value)
        self._has_begun = True
        return self._waiting

    def throw(self, error: Any, *rest: Any) -> Any:  # noqa: ANN401
        self._has_begun = True
        return self._coro.throw(error)

    def close(self) -> None:
        self._coro.close()

    def __await__(self) -> Generator[Any, Any, None]:
        raise RuntimeError("the rest of a coroutine belongs to its task")

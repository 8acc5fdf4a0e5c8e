"""A hub from its start to its clean stop, with the signals that end it."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable

from hub.app import App, garbage
from hub.errors import HubError
from hub.storage.schema import Progress

log = logging.getLogger(__name__)

# A service manager waits ten seconds; what is acknowledged is on disk in any case.
_STOP_SECONDS = 9.0
_FORCED = 130

Ready = Callable[[App], Awaitable[None]]
Ending = Callable[[], Awaitable[None]]


class Stop:
    """Turns signals into the end of the task that serves; a second Ctrl-C ends the process."""

    def __init__(self) -> None:
        self.is_asked = False
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask, number)

    def _ask(self, number: signal.Signals) -> None:
        if self.is_asked:
            if number is signal.SIGINT:
                os._exit(_FORCED)  # asked for twice: also when a thread hangs
            return
        self.is_asked = True
        log.info("stopping signal=%s", number.name)
        if self._task is not None:
            self._task.cancel()


async def serve(app: App, ready: Ready, ending: Ending, progress: Progress) -> bool:
    """Run *app* until a signal ends it.

    *ready* is called once it takes messages, *ending* before it stops.

    Tells whether everything was closed in time.

    Raises:
        HubError: It can't start.
    """
    stop = Stop()
    try:
        await app.open(progress)
        await app.start()
        garbage.tune(app.core.clock, app.core.tasks)
        await ready(app)
        log.info("running %s", " ".join(f"{name}={url}" for name, url in app.urls.items()))
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not stop.is_asked or task is None:
            raise
        task.uncancel()
    finally:
        is_closed = await _close(app, ending)
    return is_closed


async def _close(app: App, ending: Ending) -> bool:
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await ending()
            await app.stop()
    except TimeoutError:
        log.error("not everything stopped in time seconds=%g", _STOP_SECONDS)  # noqa: TRY400
        return False
    except HubError as err:
        log.error("stopping failed error=%s", err)  # noqa: TRY400 - one sentence says it
        return False
    log.info("stopped")
    return True

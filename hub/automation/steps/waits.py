"""Steps that wait: for time to pass, for a template, for a trigger."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

from attrs import frozen

from hub.automation.periods import Period
from hub.automation.run import Run, RunEnded
from hub.automation.sections import Section
from hub.automation.steps.base import Step
from hub.automation.template.engine import Template
from hub.automation.template.native import truth
from hub.automation.template.watch import Watch
from hub.automation.triggers.base import Site, Trigger
from hub.errors import HubError, TemplateError
from hub.events import StateChanged
from hub.model import Context


def _length(step: Step, period: Period, run: Run) -> dt.timedelta:
    try:
        return period.resolve(run.variables)
    except HubError as err:
        run.problem(f"{step.path}: {err}")
        raise RunEnded("aborted") from err


@frozen(kw_only=True)
class DelayStep(Step):
    """Waits for some time."""

    period: Period

    async def run(self, run: Run) -> None:
        """Wait."""
        length = _length(self, self.period, run)
        if length > dt.timedelta():
            await run.rooms.clock.sleep(length.total_seconds())


@frozen(kw_only=True)
class WaitStep(Step):
    """Waits until something is so, or a time-out. Sets the variable ``wait``."""

    timeout: Period | None
    continues_on_timeout: bool

    async def wait(
        self, run: Run, begin: Callable[[asyncio.Future[Any]], Callable[[], None]]
    ) -> tuple[bool, Any, float | None]:
        """Wait for what *begin* starts; return whether it came, what it was, and what is left."""
        length = None if self.timeout is None else _length(self, self.timeout, run)
        clock = run.rooms.clock
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        stop = begin(future)
        started = clock.monotonic()
        cancel: Callable[[], None] | None = None
        try:
            if length is not None and not future.done():
                seconds = length.total_seconds()
                if seconds <= 0:
                    return False, None, 0.0
                cancel = clock.call_later(seconds, lambda: _resolve(future, _TIMEOUT))
            result = await future
        finally:
            stop()
            if cancel is not None:
                cancel()
        if result is _TIMEOUT:
            return False, None, 0.0
        if length is None:
            return True, result, None
        return True, result, max(0.0, length.total_seconds() - (clock.monotonic() - started))

    def timed_out(self, is_done: bool) -> None:
        """End the run after a time-out, if the step says so."""
        if not is_done and not self.continues_on_timeout:
            raise RunEnded("aborted")


_TIMEOUT = object()


def _resolve(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)


@frozen(kw_only=True)
class WaitTemplateStep(WaitStep):
    """Waits until a template is true."""

    template: Template

    async def run(self, run: Run) -> None:
        """Look at once, then whenever something changes that the template looked at."""

        def begin(future: asyncio.Future[Any]) -> Callable[[], None]:
            def changed(result: Any, event: StateChanged | None) -> None:  # noqa: ANN401
                if not isinstance(result, TemplateError) and truth(result):
                    _resolve(future, True)

            rooms = run.rooms
            watch = Watch(self.template, run.variables, (rooms.bus, rooms.clock), run.name, changed)
            if watch.result is True or str(watch.result).lower() == "true":
                _resolve(future, True)
            return watch.stop

        is_done, _, remaining = await self.wait(run, begin)
        run.variables.assign("wait", {"completed": is_done, "remaining": remaining})
        self.timed_out(is_done)


@frozen(kw_only=True)
class WaitTriggerStep(WaitStep):
    """Waits until one of some triggers fires; what is true already does not count."""

    triggers: tuple[Trigger, ...]

    async def run(self, run: Run) -> None:
        """Attach the triggers, and detach them at the end."""

        def begin(future: asyncio.Future[Any]) -> Callable[[], None]:
            def fire(trigger: Trigger, found: dict[str, Any], context: Context | None) -> None:
                _resolve(future, found)

            site = Site(rooms=run.rooms, name=run.name, variables=run.variables, fire=fire)
            stops = [t.attach(site) for t in self.triggers if t.common.is_enabled]

            def stop() -> None:
                for detach in stops:
                    detach()

            return stop

        is_done, trigger, remaining = await self.wait(run, begin)
        wait = {"completed": is_done, "remaining": remaining, "trigger": trigger}
        run.variables.assign("wait", wait)
        self.timed_out(is_done)


def parse_delay(section: Section, common: dict[str, Any]) -> Step:
    """Read a delay."""
    period = section.period("delay")
    if period is None:
        section.fail("expected a time", "delay")
    return DelayStep(period=period, **common)


def parse_wait_template(section: Section, common: dict[str, Any]) -> Step:
    """Read a wait for a template."""
    template = section.template("wait_template")
    return WaitTemplateStep(template=template, **timeout_of(section), **common)


def timeout_of(section: Section) -> dict[str, Any]:
    """Read the keys of a time-out."""
    return {
        "timeout": section.period("timeout"),
        "continues_on_timeout": section.flag("continue_on_timeout", True),
    }

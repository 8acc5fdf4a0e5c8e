"""One automation at work: its triggers, its runs, its state and its traces."""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from hub.automation.conditions.base import all_hold
from hub.automation.loading import AutomationConfig
from hub.automation.run import Rooms, Run, RunEnded, SequenceEnded
from hub.automation.scope import Scope
from hub.automation.stepping import EagerTasks
from hub.automation.steps.base import run_steps
from hub.automation.trace import Trace
from hub.automation.triggers.base import Site, Trigger
from hub.automation.triggers.events import EventTrigger
from hub.clock import from_us
from hub.errors import HubError
from hub.events import AutomationTriggered
from hub.model import Context
from hub.units import OFF, ON

log = logging.getLogger(__name__)

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}


class Automation:
    """An automation that was read without errors."""

    def __init__(
        self, config: AutomationConfig, entity_id: str, rooms: Rooms, tasks: EagerTasks
    ) -> None:
        self.config = config
        self.entity_id = entity_id
        self.rooms = rooms
        self.is_enabled = False
        self.last_triggered_us: int | None = None
        self.last_error: str | None = None
        self.trigger_count = 0
        self.traces: deque[Trace] = deque(maxlen=config.trace_count)
        self._tasks = tasks
        self._detach: list[Callable[[], None]] = []
        self._running: dict[Trace, asyncio.Task[None] | None] = {}
        self._queue: deque[Run] = deque()
        self._is_closed = False
        self._attributes: dict[str, Any] = {"id": config.id, "friendly_name": config.alias}

    # -- on and off --------------------------------------------------------------------------------

    def turn_on(self, *, is_starting: bool = False) -> None:
        """Attach the triggers."""
        if not self.is_enabled:
            self.is_enabled = True
            self._attach(is_starting)
        self.show()

    def turn_off(self, *, stops_actions: bool = True, context: Context | None = None) -> None:
        """Detach the triggers, forget what waits, and end what runs if *stops_actions*."""
        self.detach()
        if stops_actions:
            self.cancel()
        self.show(context)

    def close(self) -> None:
        """Detach the triggers for good; the entity's state stays, for the next start."""
        self._is_closed = True
        self.detach()

    def detach(self) -> None:
        """Detach the triggers and forget what waits for a timer."""
        self.is_enabled = False
        for detach in self._detach:
            detach()
        self._detach.clear()

    def _attach(self, is_starting: bool) -> None:
        fixed = dict[str, Any]()
        for name, value in self.config.trigger_variables.items():
            try:
                fixed[name] = value.render(fixed)
            except HubError as err:
                self.rooms.log(self.config.alias, f"trigger_variables: {name}: {err}")
        site = Site(
            rooms=self.rooms,
            name=self.config.alias,
            variables=fixed,
            fire=self._fire,
            is_starting=is_starting,
        )
        for trigger in self.config.triggers:
            if not trigger.common.is_enabled:
                continue
            try:
                self._detach.append(trigger.attach(site))
            except HubError as err:
                self.rooms.log(self.config.alias, f"trigger {trigger.common.id}: {err}")

    # -- the entity --------------------------------------------------------------------------------

    @property
    def run_count(self) -> int:
        """How many runs are under way or wait for their turn."""
        return len(self._running) + len(self._queue)

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the automation's entity."""
        last = self.last_triggered_us
        shown = {
            **self._attributes,
            "last_triggered": None if last is None else from_us(last),
            "mode": self.config.mode,
            "current": len(self._running) + len(self._queue),
        }
        if self.config.mode in ("queued", "parallel"):
            shown["max"] = self.config.max_run_count
        if self.last_error is not None:
            shown["last_error"] = self.last_error
        return shown

    def show(self, context: Context | None = None) -> None:
        """Write the state of the automation's entity."""
        if self._is_closed:
            return
        now_us = self.rooms.clock.now_us()
        self.rooms.states.write(
            self.entity_id,
            ON if self.is_enabled else OFF,
            self.attributes(),
            (now_us, now_us),
            context or Context(),
        )

    # -- one run -----------------------------------------------------------------------------------

    def _fire(self, trigger: Trigger, found: dict[str, Any], context: Context | None) -> None:
        if self._running and isinstance(trigger, EventTrigger):
            # What a run publishes reaches its own automation after the run has had its turn.
            loop = asyncio.get_running_loop()
            loop.call_soon(self._fire_now, trigger, found, context)
        else:
            self._fire_now(trigger, found, context)

    def _fire_now(self, trigger: Trigger, found: dict[str, Any], context: Context | None) -> None:
        if self.is_enabled:
            self.trigger(found, context, trigger=trigger)

    def trigger(
        self,
        found: dict[str, Any],
        context: Context | None,
        *,
        trigger: Trigger | None = None,
        variables: Mapping[str, Any] | None = None,
        skips_conditions: bool = False,
    ) -> None:
        """Begin a run, if the conditions hold and the mode allows it."""
        config = self.config
        now_us = self.rooms.clock.now_us()
        own = Context() if context is None else context.child()
        trace = Trace(config.id or self.entity_id, self.trigger_count, now_us, own)
        self.trigger_count += 1
        trace.description = found.get("description")
        self.traces.append(trace)
        names: dict[str, Any] = {**(variables or {}), "trigger": found, "context": own}
        if config.needs_this:
            state = self.rooms.states.get(self.entity_id)
            names["this"] = None if state is None else state.as_dict()
        run = Run(self.rooms, config.alias, Scope(names), own, trace)
        if not self._prepare(run, names, trigger):
            return
        path = "trigger" if trigger is None else f"trigger/{trigger.common.idx}"
        run.enter(path).changed = names
        if not skips_conditions and not all_hold(config.conditions, run):
            trace.end("failed_conditions", self.rooms.clock.now_us())
            return
        self._admit(run)

    def _prepare(self, run: Run, names: dict[str, Any], trigger: Trigger | None) -> bool:
        config = self.config
        given = None if trigger is None else trigger.common.variables
        try:
            for source in (given, config.trigger_variables, config.variables):
                for name, value in (source or {}).items():
                    if source is given or source is config.trigger_variables or name not in names:
                        names[name] = value.render(names)
        except HubError as err:
            run.trace.error = str(err)
            run.trace.end(None, self.rooms.clock.now_us())
            self._failed(f"variables: {err}")
            return False
        return True

    def _admit(self, run: Run) -> None:
        config = self.config
        if config.mode == "restart":
            self.cancel()
        elif self.run_count >= config.max_run_count:
            is_single = config.mode == "single"
            run.trace.end(
                "failed_single" if is_single else "failed_max_runs", self.rooms.clock.now_us()
            )
            if config.max_exceeded != "silent":
                text = "already running" if is_single else "maximum number of runs exceeded"
                log.log(_LEVELS[config.max_exceeded], "%s: %s", config.alias, text)
            return
        self.last_triggered_us = self.rooms.clock.now_us()
        source = run.trace.description
        started = AutomationTriggered(
            config.alias,
            self.entity_id,
            source,
            context=run.context,
            fired_us=self.last_triggered_us,
        )
        self.rooms.bus.publish(started)
        if config.mode == "queued" and self.run_count:
            self._queue.append(run)
            self.show(run.context)
            return
        self._begin(run)

    def _begin(self, run: Run) -> None:
        self._running[run.trace] = None
        task = self._tasks.begin(self._execute(run), name=self.config.alias)
        if task is not None and run.trace in self._running:
            self._running[run.trace] = task
            # A run that never waits is shown once, at its end.
            self.show(run.context)
            # A task that is cancelled before its first turn never enters the coroutine again.
            task.add_done_callback(lambda _: self._finished(run))

    async def _execute(self, run: Run) -> None:
        trace = run.trace
        clock = self.rooms.clock
        try:
            await run_steps(self.config.steps, run)
            trace.end("finished", clock.now_us())
        except SequenceEnded:
            trace.end("aborted", clock.now_us())
        except RunEnded as end:
            trace.end(end.execution, clock.now_us())
        except asyncio.CancelledError:
            trace.end("cancelled", clock.now_us())
            raise
        except HubError as err:
            trace.error = str(err)
            trace.end("error", clock.now_us())
            self._failed(f"{trace.last_step}: {err}")
        finally:
            if trace.finish_us is None:
                # Some other exception passes: an action broke. The task reports it.
                trace.error = str(sys.exc_info()[1])
                trace.end("error", clock.now_us())
                self.last_error = f"{trace.last_step}: {trace.error}"
            self._finished(run)

    def _finished(self, run: Run) -> None:
        if run.trace not in self._running:
            return
        del self._running[run.trace]
        run.trace.end("cancelled", self.rooms.clock.now_us())
        self.show(run.context)
        if self._queue:
            # Not at once: a long queue of runs that never wait would be as deep as it is long.
            asyncio.get_running_loop().call_soon(self._begin_next)

    def _begin_next(self) -> None:
        if self._queue and not self._running:
            self._begin(self._queue.popleft())

    def _failed(self, problem: str) -> None:
        if problem != self.last_error:
            self.last_error = problem
            log.error("automation failed name=%s: %s", self.config.alias, problem)

    def cancel(self) -> None:
        """End every run under way, and forget those that wait for their turn."""
        now_us = self.rooms.clock.now_us()
        for run in self._queue:
            run.trace.end("cancelled", now_us)
        self._queue.clear()
        for trace, task in list(self._running.items()):
            # The step that is cut short may take a moment to end; the run is over now.
            del self._running[trace]
            trace.end("cancelled", now_us)
            if task is not None:
                task.cancel()

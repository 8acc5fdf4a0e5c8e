"""Steps that decide which others run: conditions, choices, loops, branches."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from attrs import frozen

from hub.automation.conditions.base import Condition, all_hold
from hub.automation.run import Run, RunEnded, SequenceEnded
from hub.automation.scope import Scope
from hub.automation.steps.base import Step, Steps, run_inner
from hub.automation.values import Value
from hub.errors import HubError

MAX_TURNS = 10_000
# A loop that never waits must let others run now and then.
_YIELD_EVERY = 100


@frozen(kw_only=True)
class VariablesStep(Step):
    """Sets variables, top-down: each may use those before it."""

    variables: Mapping[str, Value]

    async def run(self, run: Run) -> None:
        """Render and set them."""
        for name, value in self.variables.items():
            run.variables.assign(name, value.render(run.variables))


@frozen(kw_only=True)
class ConditionStep(Step):
    """Ends the sequence unless a condition is true."""

    condition: Condition

    async def run(self, run: Run) -> None:
        """Evaluate the condition."""
        try:
            result = self.condition.check(run)
        except HubError as err:
            run.problem(f"{self.path}: {err}")
            raise SequenceEnded from err
        if result is False:
            raise SequenceEnded


@frozen(kw_only=True)
class StopStep(Step):
    """Ends the whole run."""

    reason: Value
    is_error: bool
    response_variable: str | None

    async def run(self, run: Run) -> None:
        """End it."""
        reason = str(self.reason.render(run.variables))
        name = self.response_variable
        response = None if name is None else run.variables.get(name)
        if self.is_error:
            run.problem(f"{self.path}: stopped: {reason}")
        raise RunEnded("aborted" if self.is_error else "finished", response)


@frozen(kw_only=True)
class IfStep(Step):
    """Runs one of two sequences."""

    conditions: tuple[Condition, ...]
    then: Steps
    otherwise: Steps

    async def run(self, run: Run) -> None:
        """Choose and run."""
        entry = run.enter(f"{self.path}/if")
        result = all_hold(self.conditions, run)
        entry.result = {"result": result}
        await run_inner(self.then if result else self.otherwise, run)


@frozen(kw_only=True)
class Choice:
    """One branch of a choose step."""

    path: str
    conditions: tuple[Condition, ...]
    steps: Steps


@frozen(kw_only=True)
class ChooseStep(Step):
    """Runs the first branch whose conditions are true, else the default."""

    choices: tuple[Choice, ...]
    default: Steps

    async def run(self, run: Run) -> None:
        """Choose and run."""
        for choice in self.choices:
            entry = run.enter(choice.path)
            result = all_hold(choice.conditions, run)
            entry.result = {"result": result}
            if result:
                await run_inner(choice.steps, run)
                return
        await run_inner(self.default, run)


@frozen(kw_only=True)
class RepeatStep(Step):
    """Runs a sequence several times; its variable ``repeat`` is gone afterwards."""

    count: Value | None
    for_each: Value | None
    while_: tuple[Condition, ...] | None
    until: tuple[Condition, ...] | None
    steps: Steps

    async def run(self, run: Run) -> None:
        """Run the turns."""
        async for variables in self._turns(run):
            scope = Scope({"repeat": variables}, run.variables)
            inner = run.branch(scope)
            if self.while_ is not None and not self._goes_on(inner, self.while_, "while"):
                return
            await run_inner(self.steps, inner)
            if self.until is not None and self._is_done(inner):
                return

    def _goes_on(self, run: Run, conditions: tuple[Condition, ...], kind: str) -> bool:
        run.enter(f"{self.path}/repeat")
        return all_hold(conditions, run)

    def _is_done(self, run: Run) -> bool:
        run.enter(f"{self.path}/repeat")
        try:
            # An error counts as done: a loop must not go on because nobody can tell.
            return all(c.check(run) is not False for c in self.until or ())
        except HubError as err:
            run.problem(f"{self.path}: {err}")
            return True

    async def _turns(self, run: Run) -> AsyncIterator[dict[str, Any]]:
        items, count = self._plan(run)
        for index in range(1, MAX_TURNS + 1):
            if count is not None and index > count:
                return
            if index % _YIELD_EVERY == 0:
                await run.rooms.clock.sleep(0)
            turn: dict[str, Any] = {"index": index, "first": index == 1}
            if count is not None:
                turn["last"] = index == count
            if items is not None:
                turn["item"] = items[index - 1]
            yield turn
        if count is None or count > MAX_TURNS:
            run.problem(f"{self.path}: ended after {MAX_TURNS} turns")
            raise RunEnded("aborted")

    def _plan(self, run: Run) -> tuple[list[Any] | None, int | None]:
        if self.count is not None:
            value = self.count.render(run.variables)
            try:
                return None, int(float(value)) if isinstance(value, str) else int(value)
            except (ValueError, TypeError, OverflowError):
                run.problem(f"{self.path}: count: expected a number, got {str(value)[:40]!r}")
                raise RunEnded("aborted") from None
        if self.for_each is not None:
            items = self.for_each.render(run.variables)
            if not isinstance(items, list | tuple):
                run.problem(f"{self.path}: for_each: expected a list, got {str(items)[:40]!r}")
                raise RunEnded("aborted")
            return list(items), len(items)
        return None, None


@frozen(kw_only=True)
class ParallelStep(Step):
    """Runs several sequences at the same time and waits for all of them."""

    branches: tuple[Steps, ...]

    async def run(self, run: Run) -> None:
        """Run them; what went wrong in one is raised when all have ended."""
        scopes = [Scope({}, run.variables, frozenset({"wait"})) for _ in self.branches]
        results = await asyncio.gather(
            *(
                run_inner(steps, run.branch(scope))
                for steps, scope in zip(self.branches, scopes, strict=True)
            ),
            return_exceptions=True,
        )
        problems = [result for result in results if isinstance(result, BaseException)]
        # An error says more than the end of the run that another branch asked for.
        problems.sort(key=lambda problem: isinstance(problem, RunEnded))
        if problems:
            raise problems[0]


@frozen(kw_only=True)
class SequenceStep(Step):
    """Groups steps."""

    steps: Steps

    async def run(self, run: Run) -> None:
        """Run them."""
        await run_inner(self.steps, run)

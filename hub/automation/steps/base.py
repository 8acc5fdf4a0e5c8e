"""What all steps share, and how a sequence of them runs."""

from collections.abc import Sequence

from attrs import frozen

from hub.automation.run import Run, RunEnded, SequenceEnded
from hub.errors import (
    ActionError,
    ActionNotFound,
    InvalidActionData,
    TemplateError,
)

# These say that the automation is wrong, not that the world was: continue_on_error is not for them.
_MISTAKES = (ActionNotFound, InvalidActionData)


@frozen(kw_only=True)
class Step:
    """One step. ``path`` is where the trace keeps it."""

    path: str
    is_enabled: bool = True
    continues_on_error: bool = False

    async def run(self, run: Run) -> None:
        """Do it.

        Raises:
            HubError: It failed.
            SequenceEnded: This sequence is over.
            RunEnded: The run is over.
        """
        raise AssertionError("each kind of step has its own")


Steps = Sequence[Step]


async def run_steps(steps: Steps, run: Run) -> None:
    """Run steps one after the other."""
    for step in steps:
        if run.trace.finish_us is not None:  # a step before this one ended the run from outside
            raise RunEnded("cancelled")
        entry = run.enter(step.path)
        if not step.is_enabled:
            entry.result = {"enabled": False}
            continue
        try:
            await step.run(run)
        except (ActionError, TemplateError) as err:
            entry.error = str(err)
            if not step.continues_on_error or isinstance(err, _MISTAKES):
                raise
            run.problem(f"{step.path}: {err}")


async def run_inner(steps: Steps, run: Run) -> None:
    """Run the steps of a branch: a false condition among them ends the branch only."""
    try:
        await run_steps(steps, run)
    except SequenceEnded:
        return

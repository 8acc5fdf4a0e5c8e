"""Conditions: whether a run may go on. They look, never wait, and change nothing."""

from collections.abc import Iterable

from attrs import frozen

from hub.automation.run import Run
from hub.automation.template.engine import Template
from hub.errors import HubError


@frozen(kw_only=True)
class Condition:
    """One condition, and where its result is noted in the trace."""

    path: str
    is_enabled: bool = True

    def check(self, run: Run) -> bool | None:
        """Evaluate it; None if it is disabled.

        Raises:
            AutomationError: It can't be evaluated.
            TemplateError: A template can't be rendered.
        """
        entry = run.enter(self.path)
        if not self.is_enabled:
            entry.result = {"enabled": False}
            return None
        try:
            result = self.holds(run)
        except HubError as err:
            entry.error = str(err)
            raise
        entry.result = {"result": result}
        return result

    def holds(self, run: Run) -> bool:
        """Tell whether it is true now."""
        raise AssertionError("each kind of condition has its own")


@frozen(kw_only=True)
class TemplateCondition(Condition):
    """A template prints ``true``; nothing else counts, not even ``on``."""

    template: Template

    def holds(self, run: Run) -> bool:
        """Render it."""
        return self.template.text(run.variables).lower() == "true"


@frozen(kw_only=True)
class Compound(Condition):
    """Several conditions: ``and``, ``or``, ``not`` (none of them)."""

    kind: str
    parts: tuple[Condition, ...]

    def holds(self, run: Run) -> bool:
        """Combine the parts; an error counts unless another part decides."""
        is_and = self.kind == "and"
        error: HubError | None = None
        for part in self.parts:
            try:
                result = part.check(run)
            except HubError as err:
                error = error or err
                continue
            # A disabled part (None) decides nothing.
            if is_and and result is False:
                return False
            if not is_and and result is True:
                return self.kind == "or"
        if error is not None:
            raise error
        return self.kind != "or" or not self.parts


def all_hold(conditions: Iterable[Condition], run: Run) -> bool:
    """Tell whether every condition is true or disabled; an error is logged and counts as false."""
    for condition in conditions:
        try:
            if condition.check(run) is False:
                return False
        except HubError as err:
            run.problem(f"{condition.path}: {err}")
            return False
    return True

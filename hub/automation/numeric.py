"""Comparing numbers with bounds: the same for triggers and conditions."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from hub.automation.sections import Section
from hub.automation.template.engine import Template
from hub.errors import AutomationError
from hub.ids import is_entity_id
from hub.state import State
from hub.states import States
from hub.units import UNAVAILABLE, UNKNOWN

_DOMAINS = ("input_number", "number", "sensor", "zone")
Bound = float | str | None


@frozen
class Range:
    """Above one bound and below the other, strictly. A bound is a number or an entity."""

    above: Bound
    below: Bound
    attribute: str | None
    value_template: Template | None

    def contains(self, state: State, states: States, variables: Mapping[str, Any]) -> bool:
        """Tell whether *state* lies inside; no value counts as outside.

        Raises:
            AutomationError: The state or a bound is no number.
            TemplateError: The value template can't be rendered.
        """
        value = self._value(state, variables)
        if value is None or value in (UNKNOWN, UNAVAILABLE):
            return False
        try:
            number = float(value)
        except (ValueError, TypeError):
            msg = f"{state.entity_id}: {str(value)[:40]!r} is no number"
            raise AutomationError(msg) from None
        # Written so that "nan" lies inside, as it does in Home Assistant.
        for bound, is_above in ((self.below, False), (self.above, True)):
            if bound is None:
                continue
            limit = _limit(bound, states)
            if limit is None or (number <= limit if is_above else number >= limit):
                return False
        return True

    def _value(self, state: State, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401
        if self.value_template is not None:
            return self.value_template.render({**variables, "state": state})
        if self.attribute is not None:
            return state.attributes.get(self.attribute)
        return state.state


def _limit(bound: float | str, states: States) -> float | None:
    if not isinstance(bound, str):
        return bound
    state = states.get(bound)
    if state is None:
        raise AutomationError(f"the bound {bound} is an entity that does not exist")
    if state.state in (UNKNOWN, UNAVAILABLE):
        return None
    try:
        return float(state.state)
    except ValueError:
        raise AutomationError(f"the bound {bound} is {state.state[:40]!r}, no number") from None


def parse_range(section: Section) -> Range:
    """Read the keys of a range."""
    above, below = _bound(section, "above"), _bound(section, "below")
    if above is None and below is None:
        section.fail("expected above or below, or both")
    if isinstance(above, float) and isinstance(below, float) and above > below:
        section.fail(f"above is {above} and below is {below}: nothing lies between", "above")
    return Range(
        above,
        below,
        section.text("attribute", None),
        section.template("value_template", None),
    )


def _bound(section: Section, key: str) -> Bound:
    value = section.take(key, None)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = str(value).strip().lower()
    if is_entity_id(text) and text.partition(".")[0] in _DOMAINS:
        return text
    try:
        return float(text)
    except ValueError:
        section.fail(f"expected a number or an entity of {', '.join(_DOMAINS)}, got {text}", key)

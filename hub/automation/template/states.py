"""States as templates see them: ``states('sensor.x')``, ``states.sensor.x.state`` and their kin."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hub.automation.template.rendering import Names, Rendering
from hub.errors import TemplateError
from hub.ids import is_entity_id
from hub.model import Context
from hub.state import State
from hub.units import UNAVAILABLE, UNKNOWN

_DOMAIN = re.compile(r"(?!.+__)(?!_)[\da-z_]+(?<!_)")
# Groups hold entities in this attribute; a loop of groups ends because each is looked at once.
_MEMBERS = {"group": "entity_id", "zone": "persons"}


class TemplateState:
    """One entity's state; what a template reads of it becomes a dependency."""

    __slots__ = ("_rendering", "_state")

    def __init__(self, state: State, rendering: Rendering | None) -> None:
        # Without a rendering nothing is noted: a loop over a domain depends on the domain.
        self._state = state
        self._rendering = rendering

    def _read(self) -> State:
        if self._rendering is not None:
            self._rendering.touch(self._state.entity_id)
        return self._state

    @property
    def entity_id(self) -> str:
        """The entity id; reading it is no dependency."""
        return self._state.entity_id

    @property
    def domain(self) -> str:
        """What stands before the point."""
        return self._read().domain

    @property
    def object_id(self) -> str:
        """What stands after the point."""
        return self._read().object_id

    @property
    def name(self) -> str:
        """The friendly name."""
        return self._read().name

    @property
    def state(self) -> str:
        """The state text."""
        return self._read().state

    @property
    def attributes(self) -> Any:  # noqa: ANN401 - attributes are anything
        """The attributes."""
        return self._read().attributes

    @property
    def last_changed(self) -> dt.datetime:
        """When the state text last changed."""
        return self._read().last_changed

    @property
    def last_updated(self) -> dt.datetime:
        """When the state or an attribute last changed."""
        return self._read().last_updated

    @property
    def last_reported(self) -> dt.datetime:
        """When the entity was last heard of."""
        return self._read().last_reported

    @property
    def context(self) -> Context:
        """What caused the state."""
        return self._read().context

    @property
    def state_with_unit(self) -> str:
        """The state text and its unit."""
        return with_unit(self._read())

    def as_dict(self) -> dict[str, Any]:
        """Return everything as a mapping."""
        return self._read().as_dict()

    def __eq__(self, other: object) -> bool:
        other = other._read() if isinstance(other, TemplateState) else other
        return self._read() == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<template TemplateState({self._read()!r})>"


def with_unit(state: State) -> str:
    """Return the state text and, where there is one, its unit."""
    unit = state.attributes.get("unit_of_measurement")
    return f"{state.state} {unit}" if unit else state.state


class DomainStates:
    """``states.sensor``: the states of one domain."""

    def __init__(self, domain: str, rendering: Rendering) -> None:
        self._domain = domain
        self._rendering = rendering

    def __getattr__(self, name: str) -> TemplateState | None:
        entity_id = f"{self._domain}.{name}"
        if not is_entity_id(entity_id):
            raise TemplateError(f"Invalid entity ID '{entity_id}'")
        return lookup(self._rendering, entity_id)

    __getitem__ = __getattr__

    def __iter__(self) -> Iterator[TemplateState]:
        rendering = self._rendering
        if rendering.dependencies is not None:
            rendering.dependencies.domains.add(self._domain)
        for state in rendering.states.in_domain(self._domain):
            rendering.budget.step()
            yield TemplateState(state, None)

    def __len__(self) -> int:
        if self._rendering.dependencies is not None:
            self._rendering.dependencies.domains_lifecycle.add(self._domain)
        return len(self._rendering.states.in_domain(self._domain))

    def __repr__(self) -> str:
        return f"<template DomainStates({self._domain!r})>"


class AllStates:
    """``states``: callable with an entity id, and a way to each domain."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a state or a domain
        self._rendering.refuse_limited("states")
        if "." in name:
            return lookup(self._rendering, name)
        if not _DOMAIN.fullmatch(name):
            raise TemplateError(f"Invalid domain name '{name}'")
        return DomainStates(name, self._rendering)

    __getitem__ = __getattr__

    def __iter__(self) -> Iterator[TemplateState]:
        rendering = self._rendering
        rendering.refuse_limited("states")
        if rendering.dependencies is not None:
            rendering.dependencies.all_states = True
        for state in rendering.states.all():
            rendering.budget.step()
            yield TemplateState(state, None)

    def __len__(self) -> int:
        self._rendering.refuse_limited("states")
        if self._rendering.dependencies is not None:
            self._rendering.dependencies.all_states_lifecycle = True
        return len(self._rendering.states)

    def __call__(
        self,
        entity_id: str,
        rounded: bool = False,
        with_unit: bool = False,
    ) -> str:
        """Return a state text, ``unknown`` if there is none. Nothing is rounded yet."""
        rendering = self._rendering
        if rendering.is_limited:
            rendering.refuse_limited("states")
        state = find(rendering, entity_id)
        if state is None:
            return UNKNOWN
        return _with_unit(state) if with_unit else state.state

    def __repr__(self) -> str:
        return "<template AllStates>"


_with_unit = with_unit


def find(rendering: Rendering, entity_id: object) -> State | None:
    """Return a state and note the dependency, also on an entity that is not there."""
    text = str(entity_id)
    rendering.touch(text)
    state = rendering.states.get(text)
    return state if state is not None else rendering.states.get(text.lower())


def lookup(rendering: Rendering, entity_id: str) -> TemplateState | None:
    """Return a state for a template, or None."""
    if not is_entity_id(entity_id):
        raise TemplateError(f"Invalid entity ID '{entity_id}'")
    state = rendering.states.get(entity_id)
    if state is None:
        rendering.touch(entity_id)
        return None
    return TemplateState(state, rendering)


class StateFunctions:
    """The functions around :class:`AllStates`."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering

    def names(self) -> Names:
        """Return the functions, by the names templates use."""
        functions: dict[str, Callable[..., Any]] = {
            "expand": self.expand,
            "has_value": self.has_value,
            "is_state": self.is_state,
            "is_state_attr": self.is_state_attr,
            "state_attr": self.state_attr,
            "state_translated": self.state_translated,
        }
        return self._rendering.unlimited(functions)

    def state_attr(self, entity_id: str, name: str) -> Any:  # noqa: ANN401 - any attribute
        """Return an attribute, or None."""
        state = find(self._rendering, entity_id)
        return None if state is None else state.attributes.get(name)

    def is_state(self, entity_id: str, state: str | list[str]) -> bool:
        """Tell whether the state is that text, or one of those."""
        found = find(self._rendering, entity_id)
        if found is None:
            return False
        return found.state == state or (isinstance(state, list) and found.state in state)

    def is_state_attr(self, entity_id: str, name: str, value: object) -> bool:
        """Tell whether an attribute is there and equals *value*."""
        found = find(self._rendering, entity_id)
        missing = object()
        got = missing if found is None else found.attributes.get(name, missing)
        return got is not missing and bool(got == value)

    def has_value(self, entity_id: str) -> bool:
        """Tell whether the state is neither unknown nor unavailable."""
        found = find(self._rendering, entity_id)
        return found is not None and found.state not in (UNKNOWN, UNAVAILABLE)

    def state_translated(self, entity_id: str) -> str:
        """Return the state text; the hub speaks one language."""
        found = find(self._rendering, entity_id)
        if found is None:
            if not is_entity_id(str(entity_id)):
                raise TemplateError(f"Invalid entity ID '{entity_id}'")
            return UNKNOWN
        return found.state

    def expand(self, *items: object) -> list[TemplateState]:
        """Return the states of entities and of the members of groups, each once, sorted."""
        rendering = self._rendering
        waiting = list(items)
        found: dict[str, TemplateState] = {}
        while waiting:
            rendering.budget.step()
            item = waiting.pop()
            if isinstance(item, str):
                state = None if item in found else find(rendering, item)
            elif isinstance(item, TemplateState):
                state = rendering.states.get(item.entity_id)
            elif isinstance(item, State):
                state = item
            else:
                if isinstance(item, Iterable) and not isinstance(item, bytes):
                    waiting.extend(rendering.budget.counted(item))
                continue
            if state is not None and state.entity_id not in found:
                found[state.entity_id] = TemplateState(state, rendering)
                rendering.touch(state.entity_id)
                waiting.extend(_members(state))
        kept = [s for s in found.values() if s.entity_id.partition(".")[0] not in _MEMBERS]
        return sorted(kept, key=lambda state: state.entity_id)


def _members(state: State) -> list[str]:
    members = state.attributes.get(_MEMBERS.get(state.domain, ""), ())
    return [m for m in members if isinstance(m, str)] if isinstance(members, list | tuple) else []

"""The state machine: what every entity is now."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from hub.bus import Bus
from hub.clock import Clock
from hub.errors import RegistryError
from hub.events import StateChanged, StateReported
from hub.ids import domain_of, is_entity_id
from hub.model import Context
from hub.state import MAX_STATE_LENGTH, State

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class States:
    """Holds the current state of each entity and tells the bus when one changes."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._states: dict[str, State] = {}
        self._domains: dict[str, dict[str, None]] = {}

    def get(self, entity_id: str) -> State | None:
        """Return the state of *entity_id*, or None if there is no such entity."""
        return self._states.get(entity_id)

    def all(self) -> list[State]:
        """Return every state, in the order in which the entities appeared."""
        return list(self._states.values())

    def in_domain(self, domain: str) -> list[State]:
        """Return the states of one domain."""
        states = self._states
        return [states[entity_id] for entity_id in self._domains.get(domain, ())]

    def domains(self) -> list[str]:
        """Return the domains that have an entity, sorted."""
        return sorted(name for name, ids in self._domains.items() if ids)

    def __len__(self) -> int:
        return len(self._states)

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __contains__(self, entity_id: str) -> bool:
        return entity_id in self._states

    def set(
        self,
        entity_id: str,
        state: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        context: Context | None = None,
        force_update: bool = False,
    ) -> State:
        """Set a state that applies now.

        Same state and attributes only move ``last_reported``; new attributes alone leave
        ``last_changed``; *force_update* moves it all the same.

        Raises:
            RegistryError: The entity id is malformed, or the text is longer than 255 characters.
        """
        if len(state) > MAX_STATE_LENGTH:
            msg = (
                f"{entity_id}: a state has at most {MAX_STATE_LENGTH} characters, got {len(state)}"
            )
            raise RegistryError(msg)
        if entity_id not in self._states and not is_entity_id(entity_id):
            msg = f"{entity_id}: expected an entity id such as sensor.cold_store"
            raise RegistryError(msg)
        now = self._clock.now_us()
        return self.write(
            entity_id,
            state,
            # A copy: the caller may go on editing what it passed.
            MappingProxyType({**attributes}) if attributes else _NOTHING,
            (now, now),
            context or Context(),
            force_update=force_update,
        )

    def write(  # noqa: PLR0913 - the hot path passes what it has at hand
        self,
        entity_id: str,
        state: str,
        attributes: Mapping[str, Any],
        times: tuple[int, int],
        context: Context,
        *,
        force_update: bool = False,
        is_late: bool = False,
    ) -> State:
        """Set a state that has been checked; *times* are (measured, received) in microseconds.

        For the hub's own rooms: everybody else calls :meth:`set`. *is_late* marks the change as
        history rather than news.
        """
        at_us, received_us = times
        old = self._states.get(entity_id)
        if old is None:
            changed_us = at_us
            self._domains.setdefault(domain_of(entity_id), {})[entity_id] = None
        elif force_update:
            changed_us = at_us
        elif old.state == state:
            if old.attributes is attributes or old.attributes == attributes:
                before = old.reported_us
                old.reported_us = received_us
                if self._bus.wants(StateReported):
                    self._bus.publish(
                        StateReported(entity_id, old, before, context=context, fired_us=received_us)
                    )
                return old
            changed_us = old.changed_us
        else:
            changed_us = at_us
        new = State(entity_id, state, attributes, changed_us, at_us, received_us, context)
        self._states[entity_id] = new
        if self._bus.wants(StateChanged):
            self._bus.publish(
                StateChanged(entity_id, old, new, is_late, context=context, fired_us=received_us)
            )
        return new

    def restore(self, state: State) -> None:
        """Put back a state from before a restart; nothing fires."""
        self._domains.setdefault(state.domain, {})[state.entity_id] = None
        self._states[state.entity_id] = state

    def remove(self, entity_id: str, *, context: Context | None = None) -> bool:
        """Remove a state; tell whether there was one."""
        old = self._states.pop(entity_id, None)
        if old is None:
            return False
        self._domains[old.domain].pop(entity_id, None)
        self._bus.publish(
            StateChanged(
                entity_id,
                old,
                None,
                context=context or Context(),
                fired_us=self._clock.now_us(),
            )
        )
        return True

"""How changes of the registry show in the states."""

from collections.abc import Container

from hub.clock import Clock
from hub.model import Context
from hub.registry.entries import DeviceEntry, Series
from hub.registry.naming import attributes_for
from hub.states import States

# What a state carries beside the attributes that follow from the registry.
_CARRIED = ("value", "restored")
_SHOWN_OF_ENTITY = frozenset({"entity_id", "name_by_user", "icon", "options"})


class Reflection:
    """Lets states follow what users change."""

    def __init__(self, states: States, clock: Clock) -> None:
        self._states = states
        self._clock = clock

    def entity(
        self, series: Series, old_id: str, changed: Container[str], context: Context
    ) -> None:
        """Show what changed of an entity that had the id *old_id*."""
        if _is_disabled(series):
            self._states.remove(old_id, context=context)
        elif any(name in changed for name in _SHOWN_OF_ENTITY):
            self._show(series, old_id, context)

    def device(self, entry: DeviceEntry, changed: Container[str], context: Context) -> None:
        """Show what changed of a device in the states of its entities."""
        for series in entry.series.values():
            entity_id = series.entity.entity_id
            if _is_disabled(series):
                self._states.remove(entity_id, context=context)
            elif "name_by_user" in changed:
                self._show(series, entity_id, context)

    def _show(self, series: Series, old_id: str, context: Context) -> None:
        entity_id = series.entity.entity_id
        old = self._states.get(old_id)
        if entity_id != old_id:
            self._states.remove(old_id, context=context)
            if entity_id in self._states:
                return  # a reading has been faster
        if old is None:
            return
        attributes = series.attributes = attributes_for(series.device.record, series.entity)
        carried = {name: old.attributes[name] for name in _CARRIED if name in old.attributes}
        now_us = self._clock.now_us()
        self._states.write(
            entity_id,
            old.state,
            {**attributes, **carried} if carried else attributes,
            (now_us, now_us),
            context,
        )


def _is_disabled(series: Series) -> bool:
    return bool(series.entity.disabled_by or series.device.record.disabled_by)

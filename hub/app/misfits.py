"""Values of a kind that their entity does not have: the user hears of each such entity once."""

import logging

from hub.app.notices import Notices
from hub.model import Notice, Value
from hub.registry.entries import Series

log = logging.getLogger(__name__)

# The notices have room for two hundred, and other problems need some of it.
_MOST = 50


class Misfits:
    """Tells of values that don't fit; call it with the series and the value."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._told: set[int] = set()

    def __call__(self, series: Series, value: Value) -> None:
        """Tell of the first value of an entity; those of very many are only logged."""
        entity = series.entity
        if entity.series in self._told:
            return
        self._told.add(entity.series)
        wanted = "a numeric" if entity.is_numeric else "an on/off"
        problem = f"{entity.entity_id}: {_kind(value)} for {wanted} entity"
        log.warning("value does not fit %s", problem)
        if len(self._told) <= _MOST:
            self._notices.put(
                Notice(
                    key=f"misfit.{entity.series}",
                    title="A value does not fit its entity",
                    message=f"{problem}. History keeps it, and the state is unknown until one "
                    "comes that fits: an entity stays what its first value made it. Look at what "
                    "the device sends.",
                )
            )


def _kind(value: Value) -> str:
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "a number out of range"

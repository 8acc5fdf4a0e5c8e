"""What all triggers share: their keys, where they attach, how they fire and how they wait."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from hub.automation.periods import Period
from hub.automation.run import Rooms
from hub.automation.values import Value
from hub.errors import HubError
from hub.events import StateChanged
from hub.model import Context
from hub.state import State

Fire = Callable[["Trigger", dict[str, Any], Context | None], None]
Detach = Callable[[], None]


@frozen(kw_only=True)
class Site:
    """Where a trigger attaches: an automation, or a step that waits for it.

    ``variables`` are what its templates see. ``fire`` begins a run. ``is_starting`` tells that
    the hub itself starts now.
    """

    rooms: Rooms
    name: str
    variables: Mapping[str, Any]
    fire: Fire
    is_starting: bool = False

    def problem(self, text: str) -> None:
        """Log what went wrong; the trigger stays attached."""
        self.rooms.log(self.name, text)


@frozen(kw_only=True)
class Common:
    """The keys every trigger has."""

    id: str
    idx: str
    alias: str | None
    platform: str
    is_enabled: bool
    variables: Mapping[str, Value]


@frozen(kw_only=True)
class Trigger:
    """One trigger of an automation."""

    common: Common
    base: dict[str, Any] = field(init=False)

    @base.default
    def _base(self) -> dict[str, Any]:
        common = self.common
        return {
            "id": common.id,
            "idx": common.idx,
            "alias": common.alias,
            "platform": common.platform,
        }

    def attach(self, site: Site) -> Detach:
        """Begin to watch; return what ends it."""
        raise AssertionError("each platform has its own")


class Holds:
    """What must stay as it is for a while before a trigger fires, one timer for each."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._cancels: set[Detach] = set()

    def begin(
        self,
        period: dt.timedelta,
        entity_ids: tuple[str, ...],
        still: Callable[[StateChanged], bool],
        fire: Callable[[], None],
    ) -> Detach:
        """Call *fire* after *period*, unless *still* denies a change of the entities before."""
        rooms = self._site.rooms

        def changed(event: StateChanged) -> None:
            if not event.is_late and not still(event):
                cancel()

        def due() -> None:
            cancel()
            fire()

        stops = [rooms.clock.call_later(period.total_seconds(), due)]
        stops += [
            rooms.bus.subscribe(
                StateChanged, changed, owner=self._site.name, where={"entity_id": entity_id}
            )
            for entity_id in entity_ids
        ]

        def cancel() -> None:
            if cancel in self._cancels:
                self._cancels.discard(cancel)
                for stop in stops:
                    stop()

        self._cancels.add(cancel)
        return cancel

    def cancel(self) -> None:
        """Forget everything that waits."""
        for cancel in list(self._cancels):
            cancel()


def resolve(site: Site, period: Period, variables: Mapping[str, Any]) -> dt.timedelta | None:
    """Return the length of a ``for:``, or None if it can't be told; that is logged."""
    if period.fixed is not None:
        return period.fixed
    try:
        return period.resolve({**site.variables, **variables})
    except HubError as err:
        site.problem(f"for: {err}")
        return None


def value_of(state: State | None, attribute: str | None) -> Any:  # noqa: ANN401 - any attribute
    """Return the state text or an attribute; None if it is not there."""
    if state is None:
        return None
    return state.state if attribute is None else state.attributes.get(attribute)

"""The state of an entity at a moment, with Home Assistant's meaning."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hub.clock import from_us
from hub.ids import domain_of
from hub.model import Context

MAX_STATE_LENGTH = 255


class State(Struct, eq=False):
    """What an entity is: state text, attributes, and when it last changed.

    Treat it as a value: the hub replaces a state and never edits it, but for the moment of the
    last report, which moves while nothing else does. It is a msgspec struct, because one is made
    for each change. Times are microseconds since 1970, with aware datetimes as properties.
    """

    entity_id: str
    state: str
    attributes: Mapping[str, Any]
    changed_us: int
    updated_us: int
    reported_us: int
    context: Context

    @property
    def domain(self) -> str:
        """What stands before the point of the entity id."""
        return domain_of(self.entity_id)

    @property
    def object_id(self) -> str:
        """What stands after the point of the entity id."""
        return self.entity_id.partition(".")[2]

    @property
    def name(self) -> str:
        """The friendly name, or the object id in words."""
        name = self.attributes.get("friendly_name")
        return name if isinstance(name, str) else self.object_id.replace("_", " ")

    @property
    def last_changed(self) -> dt.datetime:
        """When the state text last changed."""
        return from_us(self.changed_us)

    @property
    def last_updated(self) -> dt.datetime:
        """When the state text or an attribute last changed."""
        return from_us(self.updated_us)

    @property
    def last_reported(self) -> dt.datetime:
        """When the entity was last heard of."""
        return from_us(self.reported_us)

    def as_dict(self) -> dict[str, Any]:
        """Return it as Home Assistant's API shows it, times in ISO 8601."""
        return {
            "entity_id": self.entity_id,
            "state": self.state,
            "attributes": dict(self.attributes),
            "last_changed": self.last_changed.isoformat(),
            "last_reported": self.last_reported.isoformat(),
            "last_updated": self.last_updated.isoformat(),
            "context": self.context.as_dict(),
        }

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        return (
            self.entity_id == other.entity_id
            and self.state == other.state
            and self.attributes == other.attributes
            and self.changed_us == other.changed_us
            and self.updated_us == other.updated_us
        )

    def __repr__(self) -> str:
        return f"<state {self.entity_id}={self.state} @ {self.last_changed.isoformat()}>"

"""What the hub talks about: gateways, devices, entities, readings, states.

Everything here is a value. The two keys are named tuples, because they are hashed for each
reading that arrives and a tuple does that in C.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

from attrs import Attribute, evolve, field, frozen
from msgspec import Struct

from hub.ids import ulid

__all__ = [
    "Batch",
    "Context",
    "DeviceInfo",
    "DeviceKey",
    "EntityInfo",
    "GatewayInfo",
    "GatewayKey",
    "IngestResult",
    "Notice",
    "Quarantined",
    "Reading",
    "Value",
    "evolve",
]

Value = int | float | bool | str | list[Any] | dict[str, Any] | None
"""What a reading can hold. None is a gap: the device said that there is no value."""


class DeviceKey(NamedTuple):
    """Names a device for ever: the plugin that owns it, and the vendor's own identifier."""

    plugin: str
    uid: str


class GatewayKey(NamedTuple):
    """Names a gateway for ever: the plugin that owns it, and the vendor's own identifier."""

    plugin: str
    uid: str


def aware(_: object, attribute: "Attribute[dt.datetime]", value: dt.datetime) -> None:
    """Refuse a datetime without a time zone."""
    if value.tzinfo is None:
        msg = f"{attribute.name}: expected a time with its zone, got {value!r}"
        raise ValueError(msg)


class Context:
    """Who or what caused something: an id, the context that led to it, and the user behind it.

    The id is a ULID, made when somebody first asks: most contexts are never shown to anybody.
    """

    __slots__ = ("_id", "parent_id", "user_id")

    def __init__(
        self,
        *,
        parent_id: str | None = None,
        user_id: str | None = None,
        id: str | None = None,  # noqa: A002 - Home Assistant's name
    ) -> None:
        self._id = id
        self.parent_id = parent_id
        self.user_id = user_id

    @property
    def id(self) -> str:
        """The context's ULID."""
        if self._id is None:
            self._id = ulid()
        return self._id

    def child(self) -> "Context":
        """Make the context of something that this one caused."""
        return Context(parent_id=self.id, user_id=self.user_id)

    def as_dict(self) -> dict[str, str | None]:
        """Return it as Home Assistant's API shows it."""
        return {"id": self.id, "parent_id": self.parent_id, "user_id": self.user_id}

    def __repr__(self) -> str:
        return f"Context(id={self.id!r}, parent_id={self.parent_id!r}, user_id={self.user_id!r})"


@frozen(kw_only=True)
class EntityInfo:
    """What a plugin knows about one value of a device; share one object among equal entities.

    ``domain`` is the entity's kind (``sensor``, ``binary_sensor``, ``switch``, …), fixed when the
    entity is discovered. ``name`` follows the device's name; None means that the entity is the
    device's main value and carries its name alone. ``on_conflict`` says what a second value for
    one moment does: ``replace`` or ``keep_both``. ``record`` says what history keeps: ``all``
    readings, or a ``sample``: the first of each quarter of an hour (signal strength and the like).
    ``confirms`` tells that the device reports back what a command made of it.
    """

    domain: str = "sensor"
    name: str | None = None
    unit: str | None = None
    device_class: str | None = None
    state_class: str | None = None
    category: str | None = None
    icon: str | None = None
    precision: int | None = None
    options: tuple[str, ...] = ()
    on_conflict: str = "replace"
    record: str = "all"
    confirms: bool = False
    enabled: bool = True
    attributes: Mapping[str, Any] | None = None


class Reading(Struct, frozen=True, gc=False):
    """The value of one entity at a moment.

    ``at`` is when it was measured and must be aware; the hub refuses a batch with another one.
    ``info`` describes the entity and is looked at when the hub sees it for the first time, or when
    it is another object than last time. It is a msgspec struct outside the garbage collector's
    care, because a backfill makes tens of thousands at once.
    """

    device: DeviceKey
    key: str
    value: Value
    at: dt.datetime
    info: EntityInfo | None = None


@frozen(kw_only=True)
class DeviceInfo:
    """What a plugin knows about a device when it sends a batch.

    ``gateway`` heard it, with ``signal`` in dBm. ``interval`` is how often it means to send: the
    device is stale after three of them. ``connections`` holds ``("mac" | "eui", value)`` pairs.
    """

    key: DeviceKey
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    sw_version: str | None = None
    hw_version: str | None = None
    serial_number: str | None = None
    connections: frozenset[tuple[str, str]] = frozenset()
    gateway: GatewayKey | None = None
    signal: float | None = None
    interval: dt.timedelta | None = None
    seen: dt.datetime | None = None
    owner: str | None = None
    visibility: str | None = None


@frozen(kw_only=True)
class GatewayInfo:
    """What a plugin knows about a gateway when it hears from it.

    ``offline_after`` counts from reception: silent for longer, the gateway is offline. None
    leaves it to the usual gap between its messages. A gateway is a device too, under the same
    key, so that it can have entities of its own.
    """

    key: GatewayKey
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    sw_version: str | None = None
    connections: frozenset[tuple[str, str]] = frozenset()
    offline_after: dt.timedelta | None = None
    is_group: bool = False


@frozen(kw_only=True)
class Quarantined:
    """A message, or a part of one, that was genuine but not understood.

    ``headers`` may hold secrets: the store takes them out. ``part`` names the place in the
    message, as in ``measurements[3].params[0]``.
    """

    plugin: str
    source: str
    reason: str
    raw: bytes
    route: str = ""
    headers: Mapping[str, str] = field(factory=dict)
    part: str = ""


@frozen(kw_only=True)
class Batch:
    """All that one message brought; it is stored in one transaction, or not at all.

    ``events`` are published after the commit, unless every reading of the batch was there before.
    """

    received: dt.datetime = field(validator=aware)
    readings: tuple[Reading, ...] | list[Reading] = ()
    devices: tuple[DeviceInfo, ...] | list[DeviceInfo] = ()
    gateways: tuple[GatewayInfo, ...] = ()
    quarantined: tuple[Quarantined, ...] | list[Quarantined] = ()
    events: tuple[Any, ...] | list[Any] = ()


class IngestResult(Struct, frozen=True):
    """What became of a batch's readings, counted."""

    stored: int = 0
    duplicate: int = 0
    replaced: int = 0
    suspect: int = 0
    state_only: int = 0
    quarantine_ids: tuple[int, ...] = ()


@frozen(kw_only=True)
class Notice:
    """A problem that a user should see, with what to do about it.

    ``key`` is stable, so that the same problem is shown once. Severity is ``error`` or
    ``warning``.
    """

    key: str
    title: str
    message: str
    severity: str = "warning"

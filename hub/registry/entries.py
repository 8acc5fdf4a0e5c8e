"""The registry's entries as they live in memory: a device with its series.

They are mutable and belong to the core: the records in them are replaced, never edited.
"""

from collections.abc import Mapping
from typing import Any

from hub.model import DeviceInfo, DeviceKey, EntityInfo, GatewayKey, Value
from hub.registry.records import Device, Entity
from hub.state import State

NEVER = -(1 << 62)
"""Before any time that can be stored."""


class Series:
    """One entity with what ingest has to know about it for each reading.

    ``latest_us`` is the newest moment that was handed to the writer, so that a newer reading can't
    be there already; ``state_us`` the one the state shows. ``is_known`` tells that the entity's
    record has been on disk, ``is_stored`` that it stands there as it is now, ``is_revived`` that it
    had been deleted. ``sampled_at`` is the number of the quarter of an hour that was sampled last,
    ``marked_hour`` the last hour told to the roll-ups as changed. ``shown`` is the state
    that ingest wrote last.
    """

    __slots__ = (
        "attributes",
        "device",
        "entity",
        "given",
        "is_known",
        "is_removed",
        "is_revived",
        "is_stored",
        "latest_us",
        "marked_hour",
        "sampled_at",
        "shown",
        "state_us",
        "value",
    )

    def __init__(self, device: "DeviceEntry", entity: Entity, *, is_stored: bool) -> None:
        self.device = device
        self.entity = entity
        self.given: EntityInfo | None = None
        self.is_known = is_stored
        self.is_stored = is_stored
        self.is_removed = False
        self.is_revived = False
        self.latest_us = NEVER
        self.state_us = NEVER
        self.sampled_at = NEVER
        self.marked_hour = NEVER
        self.shown: State | None = None
        self.value: Value = None
        self.attributes: Mapping[str, Any] | None = None


class DeviceEntry:
    """A device with its series by key, and when it was last heard."""

    __slots__ = (
        "best_signal",
        "deadline_us",
        "heard_by",
        "heard_us",
        "info",
        "interval_us",
        "is_available",
        "is_known",
        "is_stored",
        "last_seen_us",
        "queued_us",
        "record",
        "series",
    )

    def __init__(self, record: Device, *, is_stored: bool) -> None:
        self.record = record
        self.is_known = is_stored
        self.is_stored = is_stored
        self.info: DeviceInfo | None = None
        self.series: dict[str, Series] = {}
        self.interval_us = record.interval_us
        self.last_seen_us = NEVER
        self.deadline_us = 0
        self.queued_us = 0
        self.is_available = True
        self.heard_by: GatewayKey | None = record.gateway
        self.best_signal: float | None = None
        self.heard_us = NEVER

    @property
    def key(self) -> DeviceKey:
        """The device's key."""
        return self.record.key

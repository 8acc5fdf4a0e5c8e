"""Everything that happens, as classes in the past tense.

Each class has a wire type: Home Assistant's own name where it has one, else ours in snake_case.
The table at the end of this module is the whole vocabulary; it only grows. Vendors' events carry
their plugin's name as a prefix and subclass :class:`Event` in the plugin.

Fields come in Home Assistant's order of ``data``; what all events have is in :mod:`hub.event`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import field

from hub.event import Event
from hub.model import DeviceKey, Value
from hub.state import State


class StateChanged(Event, frozen=True):
    """An entity's state or attributes changed, it appeared, or it went.

    ``is_late`` marks a change by readings that are too old to be called news: it fires no trigger
    unless an automation asks for that. It is no part of ``data``.
    """

    type: ClassVar[str] = "state_changed"
    entity_id: str
    old_state: State | None
    new_state: State | None
    is_late: bool = False


class StateReported(Event, frozen=True):
    """An entity was reported again with the same state and attributes."""

    type: ClassVar[str] = "state_reported"
    entity_id: str
    new_state: State
    old_last_reported_us: int = 0


class ReadingReceived(Event, frozen=True):
    """A live reading is on disk. ``live`` is False for one that came late but moved the state."""

    type: ClassVar[str] = "reading"
    plugin: str
    device: str
    key: str
    entity_id: str
    value: Value
    at_us: int
    received_us: int
    live: bool = True


class ReadingsStored(Event, frozen=True):
    """A backfill of one series is on disk: late readings, told once for all."""

    type: ClassVar[str] = "readings_stored"
    plugin: str
    device: str
    key: str
    entity_id: str
    count: int
    first_us: int
    last_us: int


class GatewayCameOnline(Event, frozen=True):
    """A gateway was heard for the first time, or again after it had been offline."""

    type: ClassVar[str] = "gateway_online"
    plugin: str
    gateway: str
    name: str


class GatewayWentOffline(Event, frozen=True):
    """A gateway has been silent for longer than it said it would be.

    ``last_seen_us`` is 0 for one that was not heard since the hub's start and has no entities.
    """

    type: ClassVar[str] = "gateway_offline"
    plugin: str
    gateway: str
    name: str
    last_seen_us: int


class HeartbeatReceived(Event, frozen=True):
    """A gateway reported about itself. ``status`` holds what it said, normalised."""

    type: ClassVar[str] = "gateway_heartbeat"
    plugin: str
    gateway: str
    status: Mapping[str, Any] = field(default_factory=dict)


class GatewayRestarted(Event, frozen=True):
    """A gateway's uptime is smaller than it was."""

    type: ClassVar[str] = "gateway_restarted"
    plugin: str
    gateway: str
    name: str


class DeviceDiscovered(Event, frozen=True):
    """A device was heard for the first time. ``accepted`` tells whether its readings are kept."""

    type: ClassVar[str] = "device_discovered"
    plugin: str
    device: str
    name: str
    accepted: bool


class MessageQuarantined(Event, frozen=True):
    """A message, or a part of one, was genuine but not understood, and was put aside."""

    type: ClassVar[str] = "message_quarantined"
    plugin: str
    source: str
    reason: str
    quarantine_id: int


class EntityRegistryUpdated(Event, frozen=True):
    """An entity was created, updated or removed. ``changes`` holds the former values."""

    type: ClassVar[str] = "entity_registry_updated"
    action: str
    entity_id: str
    changes: Mapping[str, Any] = field(default_factory=dict)


class DeviceRegistryUpdated(Event, frozen=True):
    """A device was created, updated or removed. ``changes`` holds the former values."""

    type: ClassVar[str] = "device_registry_updated"
    action: str
    device_id: str
    changes: Mapping[str, Any] = field(default_factory=dict)


class AreaRegistryUpdated(Event, frozen=True):
    """An area was created, updated or removed."""

    type: ClassVar[str] = "area_registry_updated"
    action: str
    area_id: str


class LabelRegistryUpdated(Event, frozen=True):
    """A label was created, updated or removed."""

    type: ClassVar[str] = "label_registry_updated"
    action: str
    label_id: str


class ActionCalled(Event, frozen=True):
    """An action is about to run. Home Assistant still calls it a service."""

    type: ClassVar[str] = "call_service"
    domain: str
    service: str
    service_data: Mapping[str, Any] = field(default_factory=dict)


class ActionRegistered(Event, frozen=True):
    """An action can be called from now on."""

    type: ClassVar[str] = "service_registered"
    domain: str
    service: str


class ActionRemoved(Event, frozen=True):
    """An action can't be called any more."""

    type: ClassVar[str] = "service_removed"
    domain: str
    service: str


class CommandRequested(Event, frozen=True):
    """A device's plugin is asked to make the device do something."""

    type: ClassVar[str] = "command_requested"
    id: str
    device: DeviceKey
    key: str
    value: Value
    deadline_us: int


class CommandFinished(Event, frozen=True):
    """A command ended: delivered, confirmed, queued, failed or timeout."""

    type: ClassVar[str] = "command_finished"
    id: str
    device: DeviceKey
    key: str
    outcome: str
    result: Value = None


class AutomationTriggered(Event, frozen=True):
    """An automation's conditions held and its actions start."""

    type: ClassVar[str] = "automation_triggered"
    name: str
    entity_id: str
    source: str | None = None

    @property
    def data(self) -> Mapping[str, Any]:
        """Name, entity and what triggered it; a run that was begun by hand has no source."""
        shown = {"name": self.name, "entity_id": self.entity_id}
        return shown if self.source is None else {**shown, "source": self.source}


class AutomationsReloaded(Event, frozen=True):
    """Automations were read again from their files."""

    type: ClassVar[str] = "automation_reloaded"


class NotificationsUpdated(Event, frozen=True):
    """A persistent notification was added, changed or dismissed."""

    type: ClassVar[str] = "persistent_notifications_updated"
    action: str
    notification_id: str


class ProblemsUpdated(Event, frozen=True):
    """A problem that the user should see came up, changed or went."""

    type: ClassVar[str] = "repairs_issue_registry_updated"
    action: str
    issue_id: str


class HubStarting(Event, frozen=True):
    """The hub is set up; plugins and automations attach now."""

    type: ClassVar[str] = "homeassistant_start"


class HubStarted(Event, frozen=True):
    """The hub takes messages."""

    type: ClassVar[str] = "homeassistant_started"


class HubStopping(Event, frozen=True):
    """The hub has begun to stop; nothing new is taken."""

    type: ClassVar[str] = "homeassistant_stop"


EVENT_TYPES: dict[str, type[Event]] = {
    event.type: event
    for event in (
        ActionCalled,
        ActionRegistered,
        ActionRemoved,
        AreaRegistryUpdated,
        AutomationTriggered,
        AutomationsReloaded,
        CommandFinished,
        CommandRequested,
        DeviceDiscovered,
        DeviceRegistryUpdated,
        EntityRegistryUpdated,
        GatewayCameOnline,
        GatewayRestarted,
        GatewayWentOffline,
        HeartbeatReceived,
        HubStarted,
        HubStarting,
        HubStopping,
        LabelRegistryUpdated,
        MessageQuarantined,
        NotificationsUpdated,
        ProblemsUpdated,
        ReadingReceived,
        ReadingsStored,
        StateChanged,
        StateReported,
    )
}
"""Wire type → class, for everything the hub itself publishes."""

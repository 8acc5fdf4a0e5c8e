"""fieldhub: a self-hosted hub for field gateways.

This is the public door: plugins, examples and the documentation import from here and from
``hub.testing``, and from nowhere else. ``API`` is the version of that promise; a plugin declares
``fieldhub>=X,<Y`` in its metadata.
"""

from hub import jsonsplit, units
from hub.action import Action, ActionCall
from hub.clock import UTC, Clock, from_us, to_us
from hub.config import shapes
from hub.config.secret import Secret
from hub.context import PluginContext
from hub.errors import (
    ActionError,
    ActionNotFound,
    ConfigError,
    Forbidden,
    HubError,
    InvalidActionData,
    StorageBusy,
    StorageError,
    StorageFull,
    Unauthorized,
    WireError,
)
from hub.event import CustomEvent, Event
from hub.events import (
    CommandFinished,
    CommandRequested,
    DeviceDiscovered,
    GatewayCameOnline,
    GatewayRestarted,
    GatewayWentOffline,
    HeartbeatReceived,
    HubStarted,
    HubStopping,
    MessageQuarantined,
    ReadingReceived,
    ReadingsStored,
    StateChanged,
    StateReported,
)
from hub.hookspecs import hookimpl
from hub.http import Problem, Request, Response, Route, Zone, json_response
from hub.model import (
    Batch,
    Context,
    DeviceInfo,
    DeviceKey,
    EntityInfo,
    GatewayInfo,
    GatewayKey,
    IngestResult,
    Notice,
    Quarantined,
    Reading,
    Value,
)
from hub.simulation import Simulator, SimulatorOptions
from hub.state import State
from hub.topics import Message, Topic
from hub.version import API, VERSION

__version__ = VERSION

__all__ = [
    "API",
    "UTC",
    "Action",
    "ActionCall",
    "ActionError",
    "ActionNotFound",
    "Batch",
    "Clock",
    "CommandFinished",
    "CommandRequested",
    "ConfigError",
    "Context",
    "CustomEvent",
    "DeviceDiscovered",
    "DeviceInfo",
    "DeviceKey",
    "EntityInfo",
    "Event",
    "Forbidden",
    "GatewayCameOnline",
    "GatewayInfo",
    "GatewayKey",
    "GatewayRestarted",
    "GatewayWentOffline",
    "HeartbeatReceived",
    "HubError",
    "HubStarted",
    "HubStopping",
    "IngestResult",
    "InvalidActionData",
    "Message",
    "MessageQuarantined",
    "Notice",
    "PluginContext",
    "Problem",
    "Quarantined",
    "Reading",
    "ReadingReceived",
    "ReadingsStored",
    "Request",
    "Response",
    "Route",
    "Secret",
    "Simulator",
    "SimulatorOptions",
    "State",
    "StateChanged",
    "StateReported",
    "StorageBusy",
    "StorageError",
    "StorageFull",
    "Topic",
    "Unauthorized",
    "Value",
    "WireError",
    "Zone",
    "from_us",
    "hookimpl",
    "json_response",
    "jsonsplit",
    "shapes",
    "to_us",
    "units",
]

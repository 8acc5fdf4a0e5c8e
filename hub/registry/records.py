"""The registry's entries as they are kept: gateways, devices, entities.

They are msgspec structs, because a hub with a hundred thousand entities reads them all at start.
Times are microseconds since 1970.
"""

from typing import Any

import msgspec
from msgspec import Struct

from hub.model import DeviceKey, EntityInfo, GatewayKey

DISABLED_BY_USER = "user"
DISABLED_BY_DISCOVERY = "discovery"
"""The device was heard while automatic acceptance was off, and waits for the user."""
DISABLED_BY_PLUGIN = "integration"


class Gateway(Struct, frozen=True, kw_only=True, gc=False):
    """A gateway; as a thing with entities it is also a device under the same key.

    ``offline_after_us`` is how long it said that it may be silent, 0 if it did not; about, because
    a promise that differs by little from the last one is not written anew.
    """

    key: GatewayKey
    name: str
    manufacturer: str | None = None
    model: str | None = None
    sw_version: str | None = None
    connections: tuple[tuple[str, str], ...] = ()
    is_group: bool = False
    offline_after_us: int = 0
    created_us: int = 0


class Device(Struct, frozen=True, kw_only=True, gc=False):
    """A physical thing. ``gateway`` is Home Assistant's ``via_device``.

    ``interval_us`` is about how often it means to send, 0 if it does not say.
    """

    id: str
    key: DeviceKey
    name: str
    name_by_user: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    sw_version: str | None = None
    hw_version: str | None = None
    serial_number: str | None = None
    connections: tuple[tuple[str, str], ...] = ()
    gateway: GatewayKey | None = None
    area_id: str | None = None
    labels: tuple[str, ...] = ()
    disabled_by: str | None = None
    owner: str | None = None
    visibility: str | None = None
    interval_us: int = 0
    created_us: int = 0
    modified_us: int = 0

    @property
    def shown_name(self) -> str:
        """The user's name for it, or the plugin's."""
        return self.name_by_user or self.name


class Entity(Struct, frozen=True, kw_only=True, gc=False):
    """One value of a device. ``series`` names its history for ever; ``entity_id`` may change."""

    series: int
    device: DeviceKey
    key: str
    entity_id: str
    info: EntityInfo
    name_by_user: str | None = None
    icon: str | None = None
    area_id: str | None = None
    labels: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    disabled_by: str | None = None
    hidden_by: str | None = None
    options: dict[str, Any] | None = None
    is_numeric: bool = False
    created_us: int = 0
    modified_us: int = 0


class StoredEntity(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An entity as it stands on disk, with its description still as text.

    Descriptions repeat: thousands of loggers have the same five. Reading them apart lets equal ones
    share one object in memory.
    """

    series: int
    device: DeviceKey
    key: str
    entity_id: str
    info: msgspec.Raw
    name_by_user: str | None = None
    icon: str | None = None
    area_id: str | None = None
    labels: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    disabled_by: str | None = None
    hidden_by: str | None = None
    options: dict[str, Any] | None = None
    is_numeric: bool = False
    created_us: int = 0
    modified_us: int = 0


encode = msgspec.json.Encoder().encode
decode_gateway = msgspec.json.Decoder(Gateway).decode
decode_device = msgspec.json.Decoder(Device).decode
_decode_stored = msgspec.json.Decoder(StoredEntity).decode
_decode_info = msgspec.json.Decoder(EntityInfo).decode
_COPIED = tuple(name for name in StoredEntity.__struct_fields__ if name != "info")


class EntityReader:
    """Decodes entities and shares equal descriptions and device keys among them."""

    def __init__(self) -> None:
        self._infos: dict[bytes, EntityInfo] = {}

    def read(self, body: bytes | str) -> Entity:
        """Decode one entity from its JSON.

        Raises:
            msgspec.DecodeError: It is not what this version writes.
        """
        stored = _decode_stored(body)
        raw = bytes(stored.info)
        info = self._infos.get(raw)
        if info is None:
            info = self._infos[raw] = _decode_info(raw)
        return Entity(info=info, **{name: getattr(stored, name) for name in _COPIED})

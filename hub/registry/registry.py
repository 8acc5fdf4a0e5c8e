"""The registry: every gateway, device and entity, found by key and by entity id.

Looking up and adding are plain calls on the loop, because ingest does both for each message. What
they add is not on disk yet: they return the records to write, and ingest writes them in the same
transaction as the readings that brought them.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Iterator

from msgspec import structs

from hub.clock import MICROSECOND
from hub.ids import ulid
from hub.model import DeviceInfo, DeviceKey, EntityInfo, GatewayInfo, GatewayKey, Value
from hub.registry.entries import DeviceEntry, Series
from hub.registry.naming import described, entity_id_for
from hub.registry.records import (
    DISABLED_BY_DISCOVERY,
    DISABLED_BY_PLUGIN,
    Device,
    Entity,
    EntityReader,
    Gateway,
    decode_device,
    decode_gateway,
    encode,
)

Record = tuple[str, str, bytes | None]
"""Kind, key and JSON body of a record; without a body it is deleted."""

WriteRecords = Callable[[list[Record]], Awaitable[None]]

GATEWAY = "gateway"
DEVICE = "device"
ENTITY = "entity"
DELETED = "deleted_entity"

_BINARY = frozenset({"binary_sensor", "switch"})
_DEVICE_FACTS = (
    "manufacturer",
    "model",
    "sw_version",
    "hw_version",
    "serial_number",
    "owner",
    "visibility",
)
_GATEWAY_FACTS = ("name", "manufacturer", "model", "sw_version")
# What devices and gateways announce may waver from message to message.
_WAVERS = 10


def key_text(key: tuple[str, str]) -> str:
    """Write a device's or gateway's key as one text."""
    return f"{key[0]}/{key[1]}"


def _whole(length: dt.timedelta | None) -> int | None:
    return None if length is None else length // MICROSECOND


def _is_other(length_us: int, known_us: int) -> bool:
    """Tell whether a length differs from the one that is stored by more than a tenth."""
    return abs(length_us - known_us) * _WAVERS > known_us


class Registry:
    """Gateways, devices and entities in memory, as ingest and everybody else look them up."""

    def __init__(self) -> None:
        self.gateways: dict[GatewayKey, Gateway] = {}
        self.devices: dict[DeviceKey, DeviceEntry] = {}
        self.by_entity_id: dict[str, Series] = {}
        self.by_number: dict[int, Series] = {}
        self.by_device_id: dict[str, DeviceEntry] = {}
        self.deleted: dict[tuple[DeviceKey, str], Entity] = {}
        self.unsaved_gateways: set[GatewayKey] = set()
        """Whose record has not got to the disk: the next batch takes it along."""
        self._next_series = 1

    # -- at start ---------------------------------------------------------------------------------

    def load(
        self,
        gateways: Iterable[bytes | str],
        devices: Iterable[bytes | str],
        entities: Iterable[bytes | str],
        deleted: Iterable[bytes | str] = (),
    ) -> None:
        """Take in everything that is on disk."""
        for body in gateways:
            gateway = decode_gateway(body)
            self.gateways[gateway.key] = gateway
        for body in devices:
            self._add_device(DeviceEntry(decode_device(body), is_stored=True))
        reader = EntityReader()
        last = 0
        for body in entities:
            entity = reader.read(body)
            last = max(last, entity.series)  # also of one that is left out: numbers never return
            entry = self.devices.get(entity.device)
            if entry is not None:
                self._add_series(entry, Series(entry, entity, is_stored=True))
        for body in deleted:
            entity = reader.read(body)
            last = max(last, entity.series)
            if entity.series not in self.by_number:
                self.deleted[entity.device, entity.key] = entity
        self._next_series = last + 1

    # -- looking up -------------------------------------------------------------------------------

    def entity(self, entity_id: str) -> Entity | None:
        """Return an entity by its id."""
        series = self.by_entity_id.get(entity_id)
        return series.entity if series is not None and series.is_known else None

    def device_of(self, entity: Entity) -> Device:
        """Return the device an entity belongs to."""
        return self.devices[entity.device].record

    def entities(self) -> Iterator[Entity]:
        """Go through all entities that have got to the disk."""
        return (s.entity for s in self.by_entity_id.values() if s.is_known)

    def __len__(self) -> int:
        return len(self.by_entity_id)

    # -- adding, from ingest ----------------------------------------------------------------------

    def note_gateway(self, info: GatewayInfo, now_us: int) -> tuple[Gateway, list[Record]]:
        """Add or update a gateway; return it and the records that have to be written."""
        old = self.gateways.get(info.key)
        facts = {n: getattr(info, n) for n in _GATEWAY_FACTS if getattr(info, n) is not None}
        if info.connections:
            facts["connections"] = tuple(sorted(info.connections))
        if old is not None:
            facts = {n: v for n, v in facts.items() if getattr(old, n) != v}
        promised_us = _whole(info.offline_after)
        if promised_us is not None and _is_other(promised_us, old.offline_after_us if old else 0):
            facts["offline_after_us"] = promised_us
        if old is None:
            new = Gateway(
                key=info.key,
                is_group=info.is_group,
                created_us=now_us,
                **{"name": info.key.uid, **facts},
            )
        elif facts:
            new = structs.replace(old, is_group=info.is_group, **facts)
        elif info.key in self.unsaved_gateways:
            new = old
        else:
            return old, []
        self.unsaved_gateways.discard(info.key)
        self.gateways[info.key] = new
        return new, [(GATEWAY, key_text(info.key), encode(new))]

    def note_device(
        self, info: DeviceInfo, now_us: int, *, is_accepted: bool = True
    ) -> tuple[DeviceEntry, bool]:
        """Add or update a device; tell whether its record has to be written."""
        entry = self.devices.get(info.key)
        if entry is None:
            entry = DeviceEntry(
                Device(
                    id=ulid(),
                    key=info.key,
                    name=info.name or info.key.uid,
                    connections=tuple(sorted(info.connections)),
                    gateway=info.gateway,
                    disabled_by=None if is_accepted else DISABLED_BY_DISCOVERY,
                    interval_us=_whole(info.interval) or 0,
                    created_us=now_us,
                    modified_us=now_us,
                    **{n: getattr(info, n) for n in _DEVICE_FACTS},
                ),
                is_stored=False,
            )
            self._add_device(entry)
            return entry, True
        self._update_device(entry, info, now_us)
        return entry, not entry.is_stored

    def note_series(
        self, entry: DeviceEntry, key: str, info: EntityInfo | None, value: Value, now_us: int
    ) -> Series:
        """Add the entity that a device's first reading of *key* brings; its kind is fixed now."""
        known = self.deleted.pop((entry.key, key), None)
        if known is not None:
            entity = known
            if known.entity_id in self.by_entity_id:
                free = entity_id_for(entry.record, key, known.info, self.by_entity_id)
                entity = structs.replace(known, entity_id=free)
        else:
            kind = described(key, info, value)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            entity = Entity(
                series=self._next_series,
                device=entry.key,
                key=key,
                entity_id=entity_id_for(entry.record, key, kind, self.by_entity_id),
                info=kind,
                disabled_by=None if kind.enabled else DISABLED_BY_PLUGIN,
                is_numeric=kind.domain not in _BINARY
                and bool(kind.unit or kind.state_class or number),
                created_us=now_us,
                modified_us=now_us,
            )
            self._next_series += 1
        series = Series(entry, entity, is_stored=False)
        series.given = info
        series.is_revived = known is not None
        self._add_series(entry, series)
        return series

    def entity_records(self, series: Series) -> list[Record]:
        """Return what keeps an entity, and forgets that it was deleted."""
        number = str(series.entity.series)
        kept: Record = (ENTITY, number, encode(series.entity))
        return [kept, (DELETED, number, None)] if series.is_revived else [kept]

    def device_record(self, device: Device) -> Record:
        """Return the record that keeps a device."""
        return (DEVICE, key_text(device.key), encode(device))

    # -- inside -----------------------------------------------------------------------------------

    def _add_device(self, entry: DeviceEntry) -> None:
        self.devices[entry.key] = entry
        self.by_device_id[entry.record.id] = entry

    def _add_series(self, entry: DeviceEntry, series: Series) -> None:
        entity = series.entity
        entry.series[entity.key] = series
        self.by_entity_id[entity.entity_id] = series
        self.by_number[entity.series] = series

    @staticmethod
    def _update_device(entry: DeviceEntry, info: DeviceInfo, now_us: int) -> None:
        old = entry.record
        new = {
            n: getattr(info, n)
            for n in ("name", *_DEVICE_FACTS)
            if getattr(info, n) is not None and getattr(info, n) != getattr(old, n)
        }
        if info.connections and not info.connections <= set(old.connections):
            new["connections"] = tuple(sorted({*old.connections, *info.connections}))
        interval_us = _whole(info.interval)
        if interval_us is not None and _is_other(interval_us, old.interval_us):
            new["interval_us"] = interval_us
        if not new:
            return
        entry.record = structs.replace(old, modified_us=now_us, **new)
        entry.is_stored = False
        for series in entry.series.values():
            series.attributes = None  # they show the device's name

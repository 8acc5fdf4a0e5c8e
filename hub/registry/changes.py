"""What users change in the registry: names, places, labels, what is disabled, what goes.

A change is visible at once, and its ``await`` returns when it is on disk; if the disk refuses it,
the registry goes back to what it was. States and events follow once it is stored.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from msgspec import structs

from hub.bus import Bus
from hub.clock import MICROSECOND, Clock
from hub.errors import HubError, RegistryError
from hub.events import DeviceRegistryUpdated, EntityRegistryUpdated
from hub.model import Context
from hub.registry.entries import DeviceEntry, Series
from hub.registry.records import Device, Entity, encode
from hub.registry.reflection import Reflection
from hub.registry.registry import DELETED, DEVICE, ENTITY, Record, Registry, WriteRecords, key_text
from hub.registry.requests import DEVICE_FIELDS, ENTITY_FIELDS, check_names, read
from hub.states import States

KEPT_FOR = dt.timedelta(days=30)
"""How long a deleted entity is remembered, so that its ids come back with it."""


class Changes:
    """Carries out what users ask of the registry, one change after the other."""

    def __init__(  # noqa: PLR0913 - the rooms it connects
        self,
        registry: Registry,
        states: States,
        bus: Bus,
        clock: Clock,
        write: WriteRecords,
        *,
        areas: Container[str] = (),
        labels: Container[str] = (),
    ) -> None:
        self._registry = registry
        self._bus = bus
        self._clock = clock
        self._write = write
        self._areas = areas
        self._labels = labels
        self._states = states
        self._reflection = Reflection(states, clock)
        self._lock = asyncio.Lock()

    # -- entities ---------------------------------------------------------------------------------

    async def update_entity(
        self, entity_id: str, changes: Mapping[str, object], *, context: Context | None = None
    ) -> Entity:
        """Change an entity; the keys are Home Assistant's.

        They are ``new_entity_id``, ``name``, ``icon``, ``area_id``, ``labels``, ``aliases``,
        ``options``, ``hidden_by`` and ``disabled_by``. A disabled entity has no state; once it is
        enabled the next reading brings it back.

        Raises:
            RegistryError: There is no such entity, or a value does not fit.
            StorageError: It could not be stored; nothing has changed.
        """
        async with self._lock:
            series = self._series(entity_id)
            fields = read(entity_id, ENTITY_FIELDS, changes)
            check_names(entity_id, fields, self._areas, self._labels)
            self._check_new_id(series, fields.get("entity_id", entity_id))
            before = _differing(series.entity, fields)
            if not before:
                return series.entity
            await self._store_entity(series, fields, before)
            self._reflection.entity(series, entity_id, before, context or Context())
            self._tell(
                EntityRegistryUpdated, "update", series.entity.entity_id, _shown(before), context
            )
            return series.entity

    async def remove_entity(self, entity_id: str, *, context: Context | None = None) -> None:
        """Remove an entity with its state; it is remembered for thirty days.

        If its device goes on sending it, it comes back with the ids and names it had.

        Raises:
            RegistryError: There is no such entity.
            StorageError: It could not be stored; nothing has changed.
        """
        async with self._lock:
            series = self._series(entity_id)
            await self._write(self._buried([series]))
            self._bury(series, context)

    # -- devices ----------------------------------------------------------------------------------

    async def update_device(
        self, device_id: str, changes: Mapping[str, object], *, context: Context | None = None
    ) -> Device:
        """Change a device: ``name_by_user``, ``area_id``, ``labels`` or ``disabled_by``.

        With ``disabled_by`` null a device that was only discovered is accepted.

        Raises:
            RegistryError: There is no such device, or a value does not fit.
            StorageError: It could not be stored; nothing has changed.
        """
        async with self._lock:
            entry = self._device(device_id)
            fields = read(f"device {device_id}", DEVICE_FIELDS, changes)
            check_names(f"device {device_id}", fields, self._areas, self._labels)
            before = _differing(entry.record, fields)
            if not before:
                return entry.record
            await self._store_device(entry, fields, before)
            self._reflection.device(entry, before, context or Context())
            self._tell(DeviceRegistryUpdated, "update", device_id, before, context)
            return entry.record

    async def enable_device(self, device_id: str, *, context: Context | None = None) -> Device:
        """Take in a device that was discovered or disabled; its next message brings its states.

        Raises:
            RegistryError: There is no such device.
            StorageError: It could not be stored; nothing has changed.
        """
        return await self.update_device(device_id, {"disabled_by": None}, context=context)

    async def remove_device(self, device_id: str, *, context: Context | None = None) -> None:
        """Remove a device with its entities, which are remembered for thirty days.

        Raises:
            RegistryError: There is no such device.
            StorageError: It could not be stored; nothing has changed.
        """
        async with self._lock:
            entry = self._device(device_id)
            series = list(entry.series.values())
            gone: Record = (DEVICE, key_text(entry.key), None)
            await self._write([*self._buried(series), gone])
            for one in list(entry.series.values()):
                self._bury(one, context)
            del self._registry.devices[entry.key]
            del self._registry.by_device_id[device_id]
            self._tell(DeviceRegistryUpdated, "remove", device_id, {}, context)

    # -- areas, labels, what was deleted ----------------------------------------------------------

    async def forget_area(self, area_id: str) -> None:
        """Take an area that is gone from everything that lay in it."""
        for entry, series in self._all():
            if series is not None and series.entity.area_id == area_id:
                await self.update_entity(series.entity.entity_id, {"area_id": None})
            elif series is None and entry.record.area_id == area_id:
                await self.update_device(entry.record.id, {"area_id": None})

    async def forget_label(self, label_id: str) -> None:
        """Take a label that is gone from everything that bore it."""
        for entry, series in self._all():
            labels = entry.record.labels if series is None else series.entity.labels
            if label_id not in labels:
                continue
            change = {"labels": [label for label in labels if label != label_id]}
            if series is None:
                await self.update_device(entry.record.id, change)
            else:
                await self.update_entity(series.entity.entity_id, change)

    async def forget_deleted(self) -> int:
        """Forget entities that were deleted more than thirty days ago; return how many.

        The one with the highest number stays, lest that number be given to another series.
        """
        async with self._lock:
            deleted = self._registry.deleted
            end_us = self._clock.now_us() - KEPT_FOR // MICROSECOND
            highest = max((entity.series for entity in deleted.values()), default=0)
            old = {
                key: entity
                for key, entity in deleted.items()
                if entity.modified_us < end_us and entity.series != highest
            }
            if old:
                await self._write([(DELETED, str(e.series), None) for e in old.values()])
            for key, entity in old.items():
                if deleted.get(key) is entity:
                    del deleted[key]
            return len(old)

    # -- inside -----------------------------------------------------------------------------------

    def _all(self) -> list[tuple[DeviceEntry, Series | None]]:
        entries = list(self._registry.devices.values())
        found: list[tuple[DeviceEntry, Series | None]] = [(entry, None) for entry in entries]
        found += [(entry, series) for entry in entries for series in entry.series.values()]
        return found

    def _series(self, entity_id: str) -> Series:
        series = self._registry.by_entity_id.get(entity_id)
        if series is None or not series.is_known:
            raise RegistryError(f"{entity_id}: there is no such entity in the registry")
        return series

    def _device(self, device_id: str) -> DeviceEntry:
        entry = self._registry.by_device_id.get(device_id)
        if entry is None:
            raise RegistryError(f"device {device_id}: there is no such device in the registry")
        return entry

    def _check_new_id(self, series: Series, new: str) -> None:
        old = series.entity.entity_id
        if new == old:
            return
        if new.partition(".")[0] != old.partition(".")[0]:
            raise RegistryError(f"{old}: the new id {new} must keep what stands before the point")
        if new in self._registry.by_entity_id or new in self._states:
            raise RegistryError(f"{old}: the id {new} is taken; choose another one")

    async def _store_entity(
        self, series: Series, fields: dict[str, Any], before: dict[str, Any]
    ) -> None:
        def put(values: Mapping[str, Any]) -> None:
            ids = self._registry.by_entity_id
            old = series.entity
            series.entity = structs.replace(old, **values)
            series.attributes = None
            if ids.get(old.entity_id) is series:
                del ids[old.entity_id]
                ids[series.entity.entity_id] = series

        put({**fields, "modified_us": self._clock.now_us()})
        await self._store(lambda: self._registry.entity_records(series), lambda: put(before))

    async def _store_device(
        self, entry: DeviceEntry, fields: dict[str, Any], before: dict[str, Any]
    ) -> None:
        def put(values: Mapping[str, Any]) -> None:
            entry.record = structs.replace(entry.record, **values)
            for series in entry.series.values():
                series.attributes = None

        put({**fields, "modified_us": self._clock.now_us()})
        await self._store(lambda: [self._registry.device_record(entry.record)], lambda: put(before))

    async def _store(
        self, records: Callable[[], list[Record]], take_back: Callable[[], None]
    ) -> None:
        try:
            await self._write(records())
        except HubError:
            take_back()
            raise

    def _buried(self, series: Iterable[Series]) -> list[Record]:
        now_us = self._clock.now_us()
        records: list[Record] = []
        for one in series:
            one.entity = structs.replace(one.entity, modified_us=now_us)
            number = str(one.entity.series)
            records += [(ENTITY, number, None), (DELETED, number, encode(one.entity))]
        return records

    def _bury(self, series: Series, context: Context | None) -> None:
        registry, entity = self._registry, series.entity
        series.is_removed = True
        del registry.by_entity_id[entity.entity_id]
        del registry.by_number[entity.series]
        del series.device.series[entity.key]
        registry.deleted[entity.device, entity.key] = entity
        self._states.remove(entity.entity_id, context=context)
        self._tell(EntityRegistryUpdated, "remove", entity.entity_id, {}, context)

    def _tell(
        self,
        event: type[EntityRegistryUpdated | DeviceRegistryUpdated],
        action: str,
        name: str,
        changes: Mapping[str, Any],
        context: Context | None,
    ) -> None:
        now_us = self._clock.now_us()
        self._bus.publish(
            event(action, name, changes, context=context or Context(), fired_us=now_us)
        )


def _differing(record: Entity | Device, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the former values of those fields that get another one."""
    return {n: getattr(record, n) for n, value in fields.items() if getattr(record, n) != value}


def _shown(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return former values under the names that clients know."""
    return {("name" if name == "name_by_user" else name): value for name, value in before.items()}

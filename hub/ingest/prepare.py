"""From a plugin's batch to rows for the writer: identity, order, and what may move a state.

This runs on the loop for each message, so it is written for speed: one look-up for each device and
one for each reading, times as whole microseconds, tuples instead of objects.
"""

import datetime as dt
from collections.abc import Iterable

from attrs import evolve
from msgspec import structs

from hub.clock import to_us
from hub.event import Event
from hub.ingest.connectivity import is_connectivity
from hub.ingest.prepared import FRESH, NOWHERE, STATE_ONLY, Prepared
from hub.model import Batch, DeviceInfo, DeviceKey, EntityInfo, Quarantined, Reading, Value
from hub.registry.entries import NEVER, DeviceEntry, Series
from hub.registry.registry import Registry
from hub.storage.values import encode
from hub.storage.writes import HOUR_US, SUSPECT

SECOND_US = 1_000_000
LIVE_LIMIT_US = 300 * SECOND_US
LIVE_INTERVALS = 3
# A clock that is this far ahead, or before any of these gateways was built, is not believed.
FUTURE_US = 600 * SECOND_US
OLDEST_US = to_us(dt.datetime(2015, 1, 1, tzinfo=dt.UTC))
SAMPLE_US = 15 * 60 * SECOND_US


class Preparer:
    """Turns batches into rows; remembers in the registry what it has handed on."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def start(self, batch: Batch) -> Prepared:
        """Begin with a batch: its gateways, devices and quarantined parts."""
        received_us = to_us(batch.received)
        prepared = Prepared(batch, received_us)
        registry = self._registry
        for info in batch.gateways:
            gateway, records = registry.note_gateway(info, received_us)
            if records:
                prepared.write.records.extend(records)
                prepared.gateways.append(gateway)
        for event in batch.events:
            if not isinstance(event, Event):
                raise TypeError(f"events of a batch: expected Event objects, got {event!r:.100}")
        for device in batch.devices:
            self._device(prepared, device)
        for part in batch.quarantined:
            prepared.put_aside(part)
        return prepared

    def _device(self, prepared: Prepared, info: DeviceInfo) -> None:
        registry = self._registry
        entry = registry.devices.get(info.key)
        if entry is None or entry.info is not info:
            entry, is_changed = registry.note_device(info, prepared.received_us)
            entry.info = info
            if info.interval is not None:
                entry.interval_us = info.interval // dt.timedelta(microseconds=1)
            if is_changed:
                self._carry_device(prepared, entry)
        prepared.devices.append(entry)

    def discover(self, prepared: Prepared, info: DeviceInfo) -> None:
        """Note a device that waits for the user."""
        now_us = prepared.received_us
        entry, is_changed = self._registry.note_device(info, now_us, is_accepted=False)
        entry.last_seen_us = now_us
        if is_changed:
            self._carry_device(prepared, entry)

    def _carry_device(self, prepared: Prepared, entry: DeviceEntry) -> None:
        if entry not in prepared.stored:
            prepared.stored[entry] = None
            prepared.write.records.append(self._registry.device_record(entry.record))

    def add(self, prepared: Prepared, readings: Iterable[Reading]) -> None:
        """Turn *readings* into rows and note what may move a state."""
        registry = self._registry
        devices = registry.devices
        last_at: dt.datetime | None = None
        last_key: DeviceKey | None = None
        at_us = 0
        entry: DeviceEntry | None = None
        newest = prepared.newest
        for reading in readings:
            if reading.device is not last_key:
                last_key = reading.device
                entry = devices.get(last_key) or self._unknown(prepared, last_key)
            assert entry is not None  # noqa: S101 - set with last_key
            if reading.at is not last_at:
                last_at = reading.at
                at_us = _moment(reading)
            series = entry.series.get(reading.key)
            if series is None or not series.is_stored or reading.info is not series.given:
                series = self._series(prepared, entry, reading)
            try:
                place = self._place(prepared, entry, series, at_us, reading)
            except ValueError as err:  # not a JSON value: its neighbours are stored all the same
                _refuse(prepared, reading, err)
                continue
            if place == NOWHERE:
                continue
            before = newest.get(series)
            if before is None:
                newest[series] = (at_us, reading.value, place)
            else:
                _compare(prepared, series, before, (at_us, reading.value, place))

    def _place(
        self,
        prepared: Prepared,
        entry: DeviceEntry,
        series: Series,
        at_us: int,
        reading: Reading,
    ) -> int:
        """Decide where a reading goes: into which rows, or to its state alone, or nowhere."""
        if entry.record.disabled_by or series.entity.disabled_by:
            prepared.ignored_count += 1
            return NOWHERE
        if at_us > prepared.received_us + FUTURE_US or at_us < OLDEST_US:
            # The clock that said so is not believed: kept for history, never shown as a state.
            self._row(prepared, series, at_us, reading, SUSPECT)
            prepared.suspect_count += 1
            return NOWHERE
        if series.entity.info.record == "sample":
            if series.sampled_at == at_us // SAMPLE_US:
                prepared.state_only += 1
                return STATE_ONLY
            series.sampled_at = at_us // SAMPLE_US
            prepared.sampled.append(series)
        return self._row(prepared, series, at_us, reading, 0)

    def add_gaps(self, prepared: Prepared, entry: DeviceEntry) -> None:
        """End each of a device's series with a gap, where its last value was not one already."""
        prepared.is_gap = True
        now_us = prepared.received_us
        for series in entry.series.values():
            if series.value is None or series.entity.disabled_by or entry.record.disabled_by:
                continue
            if is_connectivity(self._registry, series):
                continue
            reading = Reading(entry.key, series.entity.key, None, prepared.batch.received)
            place = self._row(prepared, series, now_us, reading, 0)
            prepared.newest[series] = (now_us, None, place)

    def add_own(self, prepared: Prepared, reading: Reading) -> None:
        """Add what the hub itself says: to history where it is news, else to the state alone."""
        entry = self._registry.devices[reading.device]
        series = self._series(prepared, entry, reading)
        at_us, place = prepared.received_us, STATE_ONLY
        if series.value != reading.value:
            place = self._place(prepared, entry, series, at_us, reading)
        if place != NOWHERE:
            prepared.newest[series] = (at_us, reading.value, place)

    @staticmethod
    def _row(prepared: Prepared, series: Series, at_us: int, reading: Reading, flags: int) -> int:
        """Add a row; return its place among those that may be there already, or FRESH."""
        write = prepared.write
        num, raw = encode(reading.value)
        number = series.entity.series
        row = (number, at_us, 0, num, raw, prepared.received_us - at_us, flags)
        if at_us > series.latest_us and not flags:
            series.latest_us = at_us
            write.fresh.append(row)
            place = FRESH
        else:
            place = len(write.checked)
            write.checked.append(row)
            prepared.checked.append((series, at_us))
            if series.entity.info.on_conflict == "keep_both":
                write.keep_both.add(number)
        if not flags:
            hour = at_us // HOUR_US
            if hour != series.marked_hour:
                series.marked_hour = hour
                write.dirty.append((number, hour))
        return place

    def _unknown(self, prepared: Prepared, key: DeviceKey) -> DeviceEntry:
        """Take in a device that a plugin sends readings of without describing it."""
        self._device(prepared, DeviceInfo(key=key))
        return self._registry.devices[key]

    def _series(self, prepared: Prepared, entry: DeviceEntry, reading: Reading) -> Series:
        registry = self._registry
        series = entry.series.get(reading.key)
        info = reading.info
        if series is None:
            now = prepared.received_us
            series = registry.note_series(entry, reading.key, info, reading.value, now)
        elif info is not None and info is not series.given:
            series.given = info
            if _is_other(series.entity.info, info):
                kept = evolve(info, domain=series.entity.info.domain)
                series.entity = structs.replace(
                    series.entity, info=kept, modified_us=prepared.received_us
                )
                series.attributes = None
                series.is_stored = False
        if not series.is_stored and series not in prepared.stored:
            # The device's record goes along: the batch that brought it may have failed.
            if not entry.is_stored:
                self._carry_device(prepared, entry)
            prepared.stored[series] = None
            prepared.write.records.extend(registry.entity_records(series))
        return series

    def undo(self, prepared: Prepared) -> None:
        """Take back what was noted for a batch that may not get to the disk.

        The next batch that brings the same things writes their records again, and marks the hours
        for the roll-ups.
        """
        registry = self._registry
        for number, _hour in prepared.write.dirty:
            marked = registry.by_number.get(number)
            if marked is not None:
                marked.marked_hour = NEVER
        for series in prepared.sampled:
            series.sampled_at = NEVER
        for thing in prepared.stored:
            thing.is_stored = False
            if isinstance(thing, DeviceEntry):
                thing.info = None
        registry.unsaved_gateways.update(gateway.key for gateway in prepared.gateways)


def _is_other(old: EntityInfo, new: EntityInfo) -> bool:
    return old != new and evolve(new, domain=old.domain) != old


def _moment(reading: Reading) -> int:
    try:
        return to_us(reading.at)
    except TypeError:
        raise ValueError(
            f"reading {reading.key} of {reading.device.uid}: expected a time with its zone, "
            f"got {reading.at!r}"
        ) from None


def _refuse(prepared: Prepared, reading: Reading, err: ValueError) -> None:
    """Put aside a reading whose value can't be stored."""
    device = reading.device
    prepared.put_aside(
        Quarantined(
            plugin=device.plugin,
            source=device.uid,
            reason=str(err),
            raw=_written(reading.value),
            part=reading.key,
        )
    )


def _written(value: Value) -> bytes:
    try:
        return f"{value!r:.1000}".encode("utf-8", "replace")
    except (ValueError, RecursionError):  # Python refuses to write out very many digits
        return b""


def _compare(
    prepared: Prepared,
    series: Series,
    one: tuple[int, Value, int],
    other: tuple[int, Value, int],
) -> None:
    """Let the newer of two readings in one batch move the state; the other one is history."""
    if other[0] > one[0] or (other[0] == one[0] and encode(other[1]) != encode(one[1])):
        prepared.newest[series] = other
        one, other = other, one
    if other[2] == FRESH:
        prepared.note_late(series, other[0])

"""The way of a batch: prepare, commit, apply."""

import asyncio
from collections.abc import Sequence

from hub.bus import Bus
from hub.clock import Clock
from hub.errors import StorageError
from hub.ingest.apply import Applier
from hub.ingest.notes import Notes
from hub.ingest.prepare import Preparer
from hub.ingest.prepared import Prepared, Write
from hub.ingest.presence import Presence
from hub.model import Batch, Context, DeviceInfo, IngestResult
from hub.registry.entries import NEVER
from hub.registry.naming import attributes_for
from hub.registry.registry import Registry
from hub.rendering import state_text
from hub.state import State
from hub.states import States
from hub.storage.values import decode, encode
from hub.storage.writer import Writer
from hub.storage.writes import DUPLICATE, NEW, REPLACED, LatestRow, WriteBatch, WriteResult

_SLICE = 250


class Ingest:
    """The durable path; :meth:`ingest` returns when a batch is on disk."""

    def __init__(
        self, registry: Registry, states: States, bus: Bus, clock: Clock, writer: Writer
    ) -> None:
        self._registry = registry
        self._states = states
        self._writer = writer
        self._preparer = Preparer(registry)
        self.presence = Presence(registry, bus, clock)
        self.applier = Applier(registry, states, bus, self.presence)
        self._notes = Notes(registry, clock, writer, self._preparer, self.applier)
        self._notes.follow(self.presence)
        self.reading_count = 0
        self.duplicate_count = 0
        self.replaced_count = 0
        self.suspect_count = 0

    async def ingest(self, batch: Batch) -> IngestResult:
        """Store *batch* in one transaction, and have states and bus follow.

        Raises:
            StorageBusy: The writer is behind or stalled; the batch may still be stored later.
            StorageFull: There is no space left; nothing of it was stored.
            StorageError: The disk failed; nothing of it was stored.
        """
        prepared = await self._prepare(batch)
        if not prepared.write.row_count:
            self.applier.enqueue(prepared.write.take())
            return self._result(prepared)
        try:
            await self._writer.submit(prepared.write)
        except StorageError:
            self._preparer.undo(prepared)
            raise
        return self._result(prepared)

    async def _prepare(self, batch: Batch) -> Prepared:
        prepared = self._preparer.start(batch)
        readings = batch.readings
        try:
            if len(readings) <= _SLICE:
                self._preparer.add(prepared, readings)
                return prepared
            for start in range(0, len(readings), _SLICE):
                self._preparer.add(prepared, readings[start : start + _SLICE])
                await asyncio.sleep(0)
        except BaseException:  # a time without a zone, or the sender has gone
            self._preparer.undo(prepared)
            raise
        return prepared

    def unmark(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Forget that hours were marked for the roll-ups: the next reading marks them again."""
        for number, _hour in pairs:
            series = self._registry.by_number.get(number)
            if series is not None:
                series.marked_hour = NEVER

    def committed(self, batches: Sequence[WriteBatch]) -> None:
        """Take batches back from the writer, in commit order."""
        self.applier.committed(batches)

    def failed(self, batches: Sequence[WriteBatch], _error: Exception) -> None:
        """Take batches back that are not on disk, also those whose sender gave up waiting."""
        for batch in batches:
            if isinstance(batch, Write):
                self._preparer.undo(batch.take())

    # -- latest -----------------------------------------------------------------------------------

    def restore(self, rows: Sequence[LatestRow]) -> None:
        """Set the states from before a restart, with their own times; nothing fires."""
        context = Context()
        for number, at_us, num, raw, changed_us, lag in rows:
            series = self._registry.by_number.get(number)
            if series is None:
                continue
            value = decode(num, raw)
            series.value = value
            series.latest_us = at_us
            # A gap holds nobody back: a reading from before it may come in after it.
            series.state_us = NEVER if value is None else at_us
            entity = series.entity
            entry = self._registry.devices[entity.device]
            received_us = at_us + lag
            entry.last_seen_us = max(entry.last_seen_us, received_us)
            if entity.disabled_by or entry.record.disabled_by:
                continue
            text, extra, _ = state_text(entity.info.domain, value, is_numeric=entity.is_numeric)
            attributes = attributes_for(entry.record, entity)
            self._states.restore(
                State(
                    entity.entity_id,
                    text,
                    {**attributes, **(extra or {}), "restored": True},
                    min(changed_us, received_us),
                    min(at_us, received_us),
                    received_us,
                    context,
                )
            )
        self.presence.restore()

    def take_latest(self, limit: int = 1000) -> list[LatestRow]:
        """Return rows of ``latest`` that are out of date on disk, and forget about them.

        At most *limit* at a time: a hundred thousand would hold the loop.
        """
        moved = self.applier.moved
        rows: list[LatestRow] = []
        while moved and len(rows) < limit:
            series, _ = moved.popitem()
            state = self._states.get(series.entity.entity_id)
            if state is None:
                continue
            num, raw = encode(series.value)
            # A gap that the hub made itself stands in history at the time it was made.
            at_us = state.updated_us if series.value is None else series.state_us
            lag = state.reported_us - at_us
            rows.append((series.entity.series, at_us, num, raw, state.changed_us, lag))
        return rows

    def give_back_latest(self, rows: Sequence[LatestRow]) -> None:
        """Take back rows that could not be written, to be written with the next ones."""
        for row in rows:
            series = self._registry.by_number.get(row[0])
            if series is not None:
                self.applier.moved[series] = None

    def discover(self, info: DeviceInfo) -> None:
        """Remember an unknown device that is not accepted; none of its readings are kept."""
        self._notes.discover(info)

    def _result(self, prepared: Prepared) -> IngestResult:
        write = prepared.write
        result = write.result or WriteResult()
        outcomes = result.outcomes
        if result.fresh_outcomes is None:
            stored = len(write.fresh) + outcomes.count(NEW)
        else:
            outcomes += result.fresh_outcomes
            stored = outcomes.count(NEW)
        duplicate = outcomes.count(DUPLICATE)
        replaced = outcomes.count(REPLACED)
        self.reading_count += stored
        self.duplicate_count += duplicate
        self.replaced_count += replaced
        self.suspect_count += prepared.suspect_count
        return IngestResult(
            stored=stored,
            duplicate=duplicate,
            replaced=replaced,
            suspect=prepared.suspect_count,
            state_only=prepared.state_only,
            quarantine_ids=result.quarantine_ids,
        )

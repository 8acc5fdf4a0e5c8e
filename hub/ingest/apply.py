"""After the commit: states move, then the bus hears of it.

Committed batches are applied in commit order, also those whose sender gave up waiting. What a huge
batch brings is applied in slices, so that the loop stays free; later batches wait behind it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import structs

from hub.bus import Bus
from hub.events import (
    DeviceDiscovered,
    DeviceRegistryUpdated,
    EntityRegistryUpdated,
    MessageQuarantined,
    ReadingReceived,
    ReadingsStored,
    StateReported,
)
from hub.ingest.prepare import LIVE_INTERVALS, LIVE_LIMIT_US
from hub.ingest.prepared import STATE_ONLY, Prepared, Write
from hub.ingest.presence import Presence
from hub.model import Context, Value
from hub.registry.entries import Series
from hub.registry.naming import attributes_for
from hub.registry.registry import Registry
from hub.rendering import state_text
from hub.states import States
from hub.storage.writes import DUPLICATE, NEW, WriteBatch

_SLICE_SECONDS = 0.005
_SLICE_READINGS = 64


class Applier:
    """Moves states and publishes events for what has been committed."""

    def __init__(self, registry: Registry, states: States, bus: Bus, presence: Presence) -> None:
        self._registry = registry
        self._states = states
        self._bus = bus
        self._presence = presence
        self._waiting: deque[Prepared] = deque()
        self._current: Iterator[None] | None = None
        self._is_scheduled = False
        self.moved: dict[Series, None] = {}
        """Series whose state moved since the last look: their ``latest`` rows are out of date."""
        self.misfit: Callable[[Series, Value], None] = lambda _series, _value: None
        """Called when a value does not fit its entity's kind."""

    def committed(self, batches: Sequence[WriteBatch]) -> None:
        """Take over batches that are on disk; the writer calls this on the loop, in order."""
        for batch in batches:
            if isinstance(batch, Write):
                self.enqueue(batch.take())

    def enqueue(self, prepared: Prepared) -> None:
        """Apply a batch after all that were committed before it."""
        for thing in prepared.stored:
            if not thing.is_stored:
                prepared.news.append((thing, not thing.is_known))
                thing.is_stored = thing.is_known = True
        self._waiting.append(prepared)
        if not self._is_scheduled:
            # The futures of these batches have just been resolved: the acknowledgements leave
            # first, whatever the states and their listeners cost.
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        """Apply what waits, for a few milliseconds at a time."""
        try:
            is_done = self._work(time.perf_counter() + _SLICE_SECONDS)
        except BaseException:
            # One batch that can't be applied must not hold up those behind it; the loop logs it.
            self._current = None
            asyncio.get_running_loop().call_soon(self._run)
            raise
        if is_done:
            self._is_scheduled = False
        else:
            asyncio.get_running_loop().call_soon(self._run)

    def _work(self, end: float) -> bool:
        """Apply batches until *end*; tell whether none is left."""
        while self._current is not None or self._waiting:
            if self._current is None:
                self._current = self._apply(self._waiting.popleft())
            for _ in self._current:
                if time.perf_counter() > end:
                    return False
            self._current = None
            if time.perf_counter() > end:
                return not self._waiting
        return True

    @property
    def is_idle(self) -> bool:
        """Whether everything that is committed has been applied."""
        return not self._is_scheduled

    def _apply(self, prepared: Prepared) -> Iterator[None]:
        context = Context()
        self._presence.heard(prepared, context)
        self._announce(prepared, context)
        outcomes = prepared.write.result.outcomes if prepared.write.result is not None else b""
        for place, (series, at_us) in enumerate(prepared.checked):
            newest = prepared.newest.get(series)
            if outcomes[place] == NEW and (newest is None or newest[2] != place):
                prepared.note_late(series, at_us)
        for count, (series, (at_us, value, place)) in enumerate(prepared.newest.items(), 1):
            if count % _SLICE_READINGS == 0:
                yield
            outcome = NEW if place < 0 else outcomes[place]
            # At the state's own moment: the last of two values, unless it was told again. What is
            # not stored can't be known as told again but by its value.
            if at_us > series.state_us or (
                at_us == series.state_us
                and (place >= 0 or (place == STATE_ONLY and value != series.value))
            ):
                if outcome != DUPLICATE:
                    self._show(prepared, series, at_us, value, context)
            elif outcome == NEW and place != STATE_ONLY:
                prepared.note_late(series, at_us)
        has_rows = prepared.checked or prepared.write.fresh
        has_news = not has_rows or bool(prepared.write.fresh) or outcomes != _all(outcomes)
        self._finish(prepared, context, has_news=has_news)

    def _show(
        self, prepared: Prepared, series: Series, at_us: int, value: Value, context: Context
    ) -> None:
        """Let the newest reading of a series move its state, and tell of it if it is live."""
        entry = series.device
        entity = series.entity
        if series.is_removed or entity.disabled_by or entry.record.disabled_by:
            return  # since the batch was prepared
        received_us = prepared.received_us
        age_us = received_us - at_us
        is_late = age_us > LIVE_LIMIT_US and age_us > LIVE_INTERVALS * entry.interval_us
        self.moved[series] = None
        # What the hub does itself applies now; order by ``at`` holds among readings only.
        if value is not None or not prepared.is_gap:
            series.state_us = at_us
        if self._is_shown(series, value):
            series.shown.reported_us = received_us  # type: ignore[union-attr]
        else:
            times = (at_us if age_us > 0 else received_us, received_us)
            self._write(series, value, times, context, is_late=is_late)
        if is_late:
            prepared.note_late(series, at_us)
        elif not prepared.is_own and self._bus.wants(ReadingReceived):
            self._bus.publish(
                ReadingReceived(
                    entity.device.plugin,
                    entity.device.uid,
                    entity.key,
                    entity.entity_id,
                    value,
                    at_us,
                    received_us,
                    context=context,
                    fired_us=received_us,
                )
            )

    def _is_shown(self, series: Series, value: Value) -> bool:
        """Tell whether the state says just this already, and nobody wants to hear it again.

        Battery levels, signals and doors mostly repeat themselves: this spares them the rest.
        """
        shown = series.shown
        return (
            shown is not None
            and value == series.value
            and value.__class__ is series.value.__class__
            and shown.attributes is series.attributes
            and self._states.get(shown.entity_id) is shown
            and not self._bus.wants(StateReported)
        )

    def _write(
        self,
        series: Series,
        value: Value,
        times: tuple[int, int],
        context: Context,
        *,
        is_late: bool,
    ) -> None:
        entity = series.entity
        text, extra, fits = state_text(entity.info.domain, value, is_numeric=entity.is_numeric)
        if not fits:
            self.misfit(series, value)
        attributes = series.attributes
        if attributes is None:
            attributes = series.attributes = attributes_for(series.device.record, entity)
        if extra is not None:
            attributes = {**attributes, **extra}
        series.value = value
        series.shown = self._states.write(
            entity.entity_id, text, attributes, times, context, is_late=is_late
        )

    def _announce(self, prepared: Prepared, context: Context) -> None:
        """Tell of entities and devices that are new or other with this batch."""
        now = prepared.received_us
        for thing, is_new in prepared.news:
            action = "create" if is_new else "update"
            if isinstance(thing, Series):
                if self._bus.wants(EntityRegistryUpdated):
                    self._bus.publish(
                        EntityRegistryUpdated(
                            action, thing.entity.entity_id, context=context, fired_us=now
                        )
                    )
                continue
            device = thing.record
            if is_new:
                self._bus.publish(
                    DeviceDiscovered(
                        device.key.plugin,
                        device.key.uid,
                        device.shown_name,
                        device.disabled_by is None,
                        context=context,
                        fired_us=now,
                    )
                )
            self._bus.publish(
                DeviceRegistryUpdated(action, device.id, context=context, fired_us=now)
            )

    def _finish(self, prepared: Prepared, context: Context, *, has_news: bool) -> None:
        now = prepared.received_us
        bus = self._bus
        if prepared.late and bus.wants(ReadingsStored):
            for series, (count, first, last) in prepared.late.items():
                entity = series.entity
                bus.publish(
                    ReadingsStored(
                        entity.device.plugin,
                        entity.device.uid,
                        entity.key,
                        entity.entity_id,
                        count,
                        first,
                        last,
                        context=context,
                        fired_us=now,
                    )
                )
        result = prepared.write.result
        ids: Iterable[int] = result.quarantine_ids if result is not None else ()
        for part, number in zip(prepared.quarantined, ids, strict=False):
            bus.publish(
                MessageQuarantined(
                    part.plugin, part.source, part.reason, number, context=context, fired_us=now
                )
            )
        if has_news:
            for event in prepared.batch.events:
                stamped = event if event.fired_us else structs.replace(event, fired_us=now)
                bus.publish(structs.replace(stamped, context=context))


def _all(outcomes: bytes) -> bytes:
    """Return what *outcomes* would be if every row had been there before."""
    return bytes([DUPLICATE]) * len(outcomes)

"""``GET /api/history/period``: what entities were, in Home Assistant's shape.

Source: the REST API page of Home Assistant's developer documentation, and what its version
2025.4 answers.
"""

import datetime as dt
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from attrs import field, frozen

from hub.clock import UTC, Clock, from_us, to_us
from hub.errors import WireError
from hub.http import Request, Response, Route, json_response
from hub.ids import is_entity_id
from hub.model import Value
from hub.registry.naming import attributes_for
from hub.registry.registry import Registry
from hub.rendering import state_text
from hub.web.encoding import Pieces, encode
from hub.web.streaming import StreamedResponse

_ONE_DAY = dt.timedelta(days=1)
_MAX_ENTITIES = 500
_PAGE = 1000
# An address that was not encoded turns the plus of "+01:00" into a blank.
_LOST_PLUS = re.compile(r"(?<=:\d\d) (?=\d\d:?\d\d$)|(?<=\.\d{3}) (?=\d\d:?\d\d$)")


@frozen(kw_only=True)
class EntityHistory:
    """Where an entity's readings lie, and how they are shown."""

    series: int
    domain: str = "sensor"
    is_numeric: bool = False
    attributes: Mapping[str, Any] = field(factory=dict)


Find = Callable[[str], EntityHistory | None]
"""Entity id in, where its readings lie out; None if it has none."""


class Row(Protocol):
    """A stored reading; ``at`` in microseconds since 1970."""

    @property
    def at(self) -> int:
        """When it was measured."""
        ...

    @property
    def seq(self) -> int:
        """Its place among the readings of one moment."""
        ...

    @property
    def value(self) -> Value:
        """What was measured; None is a gap."""
        ...

    @property
    def is_suspect(self) -> bool:
        """Whether the clock that gave ``at`` was plainly wrong."""
        ...


class Rows(Protocol):
    """The stored readings, as :class:`hub.storage.history.History` reads them."""

    async def rows(
        self, series: int, start: int, end: int, *, limit: int, after: tuple[int, int] | None
    ) -> Sequence[Row]:
        """Return a page of what lies from *start* to before *end*, oldest first."""
        ...

    async def at_or_before(self, series: int, moment: int) -> Row | None:
        """Return the newest reading that is not after *moment*."""
        ...


@frozen(kw_only=True)
class Period:
    """What was asked for."""

    entity_ids: tuple[str, ...]
    start_us: int
    end_us: int
    is_minimal: bool = False
    has_attributes: bool = True
    is_changes_only: bool = True
    has_initial_state: bool = True


def finder(registry: Registry) -> Find:
    """Find entities in the registry, and show them with the attributes they have today."""

    def find(entity_id: str) -> EntityHistory | None:
        entity = registry.entity(entity_id)
        if entity is None:
            return None
        return EntityHistory(
            series=entity.series,
            domain=entity.info.domain,
            is_numeric=entity.is_numeric,
            attributes=attributes_for(registry.device_of(entity), entity),
        )

    return find


def routes(history: Rows, find: Find, clock: Clock, zone: dt.tzinfo = UTC) -> Sequence[Route]:
    """Return the routes; times without an offset are in *zone*."""

    async def period(request: Request) -> Response:
        try:
            asked = parse(request, clock.now(), zone)
        except WireError as err:
            return json_response(400, {"message": err.problem})
        if asked is None:
            return Response(200, b"[]")
        return StreamedResponse(chunks=lists(history, find, asked))

    return [
        Route("GET", "/api/history/period", period),
        Route("GET", "/api/history/period/{start}", period),
    ]


def parse(request: Request, now: dt.datetime, zone: dt.tzinfo) -> Period | None:
    """Read what was asked for; None means a period that has not begun.

    Raises:
        WireError: With the message that Home Assistant answers.
    """
    query = request.query
    start = now - _ONE_DAY
    if "start" in request.params:
        start = _moment(request.params["start"], zone, "Invalid datetime")
    wanted = query.get("filter_entity_id", "").strip().lower()
    if not wanted:
        raise WireError("filter_entity_id", "filter_entity_id is missing")
    entity_ids = tuple(dict.fromkeys(name.strip() for name in wanted.split(",")))
    if len(entity_ids) > _MAX_ENTITIES or not all(map(is_entity_id, entity_ids)):
        raise WireError("filter_entity_id", "Invalid filter_entity_id")
    end_us = to_us(start) + _ONE_DAY // dt.timedelta(microseconds=1)
    if query.get("end_time"):
        end_us = to_us(_moment(query["end_time"], zone, "Invalid end_time"))
    if start > now or end_us <= to_us(start):
        return None
    return Period(
        entity_ids=entity_ids,
        start_us=to_us(start),
        end_us=end_us,
        is_minimal="minimal_response" in query,
        has_attributes="no_attributes" not in query,
        is_changes_only=query.get("significant_changes_only", "1") != "0",
        has_initial_state="skip_initial_state" not in query,
    )


async def lists(history: Rows, find: Find, period: Period) -> AsyncGenerator[bytes, None]:
    """Encode a list of states for each entity that has any, as a JSON list of lists."""
    pieces = Pieces()
    mark = b"[["
    for entity_id in period.entity_ids:
        found = find(entity_id)
        if found is None:
            continue
        is_first = True
        async with aclosing(_items(_Entity(entity_id, found, period), history)) as items:
            async for item in items:
                if pieces.add((mark if is_first else b",") + item):
                    yield await pieces.take()
                is_first = False
        if not is_first:
            pieces.add(b"]")
            mark = b",["
    pieces.add(b"[]" if mark == b"[[" else b"]")
    yield await pieces.take()


class _Entity:
    """Turns the readings of one entity into states, one behind, because the last one is whole."""

    def __init__(self, entity_id: str, found: EntityHistory, period: Period) -> None:
        self.found = found
        self.period = period
        self._entity_id = entity_id
        self._text: str | None = None
        self._changed_us = 0
        self._waiting: tuple[str, int, int, dict[str, Any] | None] | None = None
        self._count = 0

    def take(self, at_us: int, value: Value) -> bytes | None:
        """Take the next reading; return the state before it, if it is to be shown."""
        text, extra, _ = state_text(self.found.domain, value, is_numeric=self.found.is_numeric)
        if text == self._text:
            if self.period.is_changes_only or self.period.is_minimal:
                return None
        else:
            self._changed_us = at_us
        self._text = text
        done = self._encoded(is_last=False)
        self._waiting = (text, self._changed_us, at_us, extra)
        return done

    def forget(self) -> None:
        """Leave out what was taken, but know it when the same comes again."""
        self._waiting = None

    def last(self) -> bytes | None:
        """Return the last state, if there is one."""
        return self._encoded(is_last=True)

    def _encoded(self, *, is_last: bool) -> bytes | None:
        if self._waiting is None:
            return None
        text, changed_us, at_us, extra = self._waiting
        self._count += 1
        changed = from_us(changed_us).isoformat()
        if self.period.is_minimal and self._count > 1 and not is_last:
            return encode({"state": text, "last_changed": changed})
        attributes: dict[str, Any] = {}
        if self.period.has_attributes:
            attributes = {**self.found.attributes, **(extra or {})}
        return encode(
            {
                "entity_id": self._entity_id,
                "state": text,
                "attributes": attributes,
                "last_changed": changed,
                "last_updated": from_us(at_us).isoformat(),
            }
        )


async def _items(entity: _Entity, history: Rows) -> AsyncGenerator[bytes, None]:
    period, series = entity.period, entity.found.series
    before = await history.at_or_before(series, period.start_us)
    if before is not None:
        # Home Assistant shows the state at the beginning as if it had come about then.
        entity.take(period.start_us, before.value)
        if not period.has_initial_state:
            entity.forget()
    after: tuple[int, int] | None = None
    while True:
        page = await history.rows(
            series, period.start_us + 1, period.end_us, limit=_PAGE, after=after
        )
        for row in page:
            item = None if row.is_suspect else entity.take(row.at, row.value)
            if item is not None:
                yield item
        if len(page) < _PAGE:
            break
        after = (page[-1].at, page[-1].seq)
    item = entity.last()
    if item is not None:
        yield item


def _moment(text: str, zone: dt.tzinfo, problem: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(_LOST_PLUS.sub("+", text.strip()))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise WireError("time", problem) from None

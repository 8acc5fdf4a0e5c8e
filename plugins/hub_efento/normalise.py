"""From what loggers measured to what the hub stores; nothing here touches the world."""

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Iterator

from hub import (
    Batch,
    DeviceInfo,
    GatewayInfo,
    Quarantined,
    Reading,
    Request,
)
from hub_efento.catalogue import (
    BATTERY,
    PLUGIN,
    SIGNAL,
    Catalogue,
    Contact,
    Logger,
)
from hub_efento.report import Bad, Entry, Report

MOST_PARTS = 100
"""Bad parts that are put aside one by one; a message with more is put aside whole."""

# Gone, or overdue, after this many of the usual pauses (the core's rule for devices, too).
LIVES = 3
LONGEST_SILENCE = dt.timedelta(days=10)
_SLICE = 64
_MINUTE = dt.timedelta(minutes=1)
_QUARTER = 900.0
_NO_TIME = dt.timedelta()
_KEPT_HEADERS = ("Content-Type", "User-Agent")

Accepts = Callable[[DeviceInfo], bool]


class _Heard:
    """One logger of a message: its newest entry, and whether it is wanted."""

    __slots__ = ("first", "info", "is_accepted", "logger", "newest")

    def __init__(self, logger: Logger, entry: Entry, info: DeviceInfo) -> None:
        self.logger = logger
        self.first = self.newest = entry
        self.info = info
        self.is_accepted = True


class Draft:
    """A batch in the making; a long message is added in slices."""

    def __init__(
        self, catalogue: Catalogue, gateway: GatewayInfo, received: dt.datetime, accepts: Accepts
    ) -> None:
        self._catalogue = catalogue
        self._gateway = gateway
        self._received = received
        self._accepts = accepts
        self._heard: dict[str, _Heard] = {}
        self._readings: list[Reading] = []
        self._devices: list[DeviceInfo] = []
        self._synchronised: dict[int, bool] = {}
        self._contacts: list[tuple[Logger, Contact]] = []
        self.bad: list[Bad] = []
        self.bad_count = 0
        self.entry_count = 0

    def add(self, report: Report) -> None:
        """Take in a report."""
        for entry in report.entries:
            serial = entry.serial
            heard = self._heard.get(serial)
            if heard is None:
                heard = self._heard[serial] = self._first(entry)
            elif entry.at > heard.newest.at:
                heard.newest = entry
            if entry.handle is not None:
                self._answer(entry.handle, is_accepted=heard.is_accepted)
            if heard.is_accepted:
                self._read(heard.logger, entry)
        self.entry_count += len(report.entries)
        for bad in report.bad:
            self._put_aside(bad)

    def answer(self) -> tuple[list[int], list[int]]:
        """Return the handles of loggers to synchronise, and of those not to."""
        handles = self._synchronised
        return [h for h, yes in handles.items() if yes], [
            h for h, yes in handles.items() if not yes
        ]

    def close(self) -> Iterator[None]:
        """Add what each logger has once for all its entries; yields in between."""
        readings = self._readings
        for count, heard in enumerate(self._heard.values(), 1):
            if count % _SLICE == 0:
                yield
            if not heard.is_accepted:
                continue
            entry = heard.newest
            key = heard.logger.key
            info = heard.info if entry is heard.first else self._info(heard.logger, entry)
            self._devices.append(info)
            # Battery and signal belong to the radio contact: one of each for all a message brings,
            # and none while they stay as they are, unless the logger was away in between.
            seconds = entry.at.timestamp()
            contact = (entry.is_battery_low, entry.signal, seconds // _QUARTER, seconds)
            self._contacts.append((heard.logger, contact))
            if heard.logger.is_same_contact(contact, 2 * (entry.interval or 0)):
                continue
            if entry.is_battery_low is not None:
                readings.append(Reading(key, "battery", entry.is_battery_low, entry.at, BATTERY))
            if entry.signal is not None:
                readings.append(Reading(key, "signal", entry.signal, entry.at, SIGNAL))

    def stored(self) -> None:
        """Note that the batch is on disk: what it said about battery and signal is known now."""
        for logger, contact in self._contacts:
            logger.contact = contact

    def batch(self, quarantined: list[Quarantined]) -> Batch:
        """Return what is to be stored."""
        return Batch(
            received=self._received,
            readings=self._readings,
            devices=self._devices,
            gateways=(self._gateway,),
            quarantined=quarantined,
        )

    def _first(self, entry: Entry) -> _Heard:
        logger = self._catalogue.logger(entry.serial)
        heard = _Heard(logger, entry, self._info(logger, entry))
        heard.is_accepted = self._accepts(heard.info)
        return heard

    def _info(self, logger: Logger, entry: Entry) -> DeviceInfo:
        return logger.info(self._gateway.key, entry.signal, _interval(entry, self._received))

    def _read(self, logger: Logger, entry: Entry) -> None:
        at = entry.at
        key = logger.key
        slots = logger.slots
        for sample in entry.samples:
            slot = slots.get((sample.kind.name, sample.channel))
            if slot is None:
                slot = logger.slot(sample.kind, sample.channel, sample.value, entry)
            self._readings.append(Reading(key, slot[0], sample.value, at, slot[1]))

    def _put_aside(self, bad: Bad) -> None:
        is_accepted = True
        if bad.serial is not None:
            heard = self._heard.get(bad.serial)
            if heard is not None:
                is_accepted = heard.is_accepted
            else:
                logger = self._catalogue.logger(bad.serial)
                is_accepted = self._accepts(logger.info(self._gateway.key, None, None))
        if bad.handle is not None:
            self._answer(bad.handle, is_accepted=is_accepted)
        if is_accepted:
            self.bad_count += 1
            if len(self.bad) < MOST_PARTS:
                self.bad.append(bad)

    def _answer(self, handle: int, *, is_accepted: bool) -> None:
        # Two loggers under one handle: keeping too much is the smaller harm.
        self._synchronised[handle] = is_accepted or self._synchronised.get(handle, False)


def _interval(entry: Entry, received: dt.datetime) -> dt.timedelta | None:
    """Return how often a logger means to send.

    Usually that is its interval of measurement. One that announces its next transmission for much
    later, as the loggers in the vendor's sample do, is not overdue before then.
    """
    usual = None if entry.interval is None else _seconds(entry.interval)
    if entry.next_at is None:
        return usual
    silence = min(entry.next_at - received, LONGEST_SILENCE)
    if silence <= _NO_TIME or (usual is not None and silence <= LIVES * usual):
        return usual
    # In whole minutes: a description that stays the same costs nothing.
    return -(-silence // (LIVES * _MINUTE)) * _MINUTE


@functools.lru_cache(maxsize=1024)
def _seconds(count: float) -> dt.timedelta:
    return dt.timedelta(seconds=count)


def parts(bad: Iterable[Bad], request: Request) -> list[Quarantined]:
    """Return the bad parts of a message as they are put aside."""
    return [put_aside(request, str(part.error), part.raw, where=part.error.where) for part in bad]


def put_aside(request: Request, reason: str, raw: bytes, *, where: str = "") -> Quarantined:
    """Return a message, or a part of one, as it is put aside."""
    return Quarantined(
        plugin=PLUGIN,
        source=f"{request.principal} at {request.peer}",
        reason=reason,
        raw=raw,
        route=request.path,
        headers={name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers},
        part=where,
    )


def unread(request: Request, gateway: GatewayInfo, reason: str) -> Batch:
    """Return what a message brings that could not be read at all."""
    return Batch(
        received=request.received,
        gateways=(gateway,),
        quarantined=[put_aside(request, reason, request.body)],
    )

"""What an Efento gateway writes, read without losing anything that can be understood.

Regular messages are decoded straight into structs. Whatever does not fit goes through a tolerant
reader that takes each logger and each parameter for itself: what is wrong is put aside with the
place and the problem, and its neighbours are read all the same. Both ways come to the same result
wherever the first one succeeds.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from hub import WireError, jsonsplit
from hub_efento import fields
from hub_efento.report import Bad, Entry, Heartbeat, Report, Sample
from hub_efento.tolerant import HEAD, TAIL, Reader
from hub_efento.types import kind_of

BOM = b"\xef\xbb\xbf"
LONGEST_ENTRY = 256 * 1024
"""Bytes of one logger's part of a message above which it is not looked into."""

_LONGEST_AT_ONCE = 64 * 1024
_LONGEST_SALVAGED = 1024 * 1024
_SLICE = 32
# An entry whose quotes are broken ends at the latest where the next one begins.
_ENTRY = re.compile(rb'\{[ \t\r\n]*+"serial"[ \t\r\n]*+:')
_HANDLE = re.compile(rb'"response_handle"[ \t\r\n]*+:[ \t\r\n]*+(-?\d{1,18})[ \t\r\n]*+[,}]')
_BARE = re.compile(rb"(?:\xef\xbb\xbf)?+[ \t\r\n]{0,64}+\[")
_BETWEEN = b" \t\r\n,"
_CLOSING = " \t\r\n,]}"
_JSON = json.JSONDecoder()


_HEARTBEAT: Mapping[str, Callable[[object], Any]] = {
    "name": fields.label,
    "model": fields.label,
    "software_version": fields.label,
    "current_time": fields.unix,
    "uptime": fields.count,
    "sensors_number": fields.loggers,
    "next_communication_at": fields.unix,
}
_POWER: Mapping[str, Callable[[object], Any]] = {
    "is_usb_connected": fields.flag,
    "is_charging": fields.flag,
    "battery_level": fields.count,
}


class _Param(Struct, gc=False):
    channel: int
    type: str
    value: bool | int | float | str | None = None
    status: Literal["ok", "error"] = "ok"


class _Logger(Struct, gc=False):
    serial: str
    measured_at: str
    params: list[_Param]
    response_handle: int | None = None
    battery: Literal["ok", "low"] | None = None
    signal: int | float | None = None
    measurement_interval: int | float | None = None
    next_measurement_at: str | None = None


class _Message(Struct, gc=False):
    measurements: list[_Logger]


_MESSAGE = msgspec.json.Decoder(_Message)
_LIST = msgspec.json.Decoder(list[_Logger])


def parse(body: bytes) -> Report:
    """Read a regular message in one go.

    Raises:
        WireError: It is long or not regular: :func:`parse_part` reads it piece by piece.
    """
    if len(body) > _LONGEST_AT_ONCE:
        raise WireError("body", f"expected at most {_LONGEST_AT_ONCE} bytes, got {len(body)}")
    try:
        loggers = _MESSAGE.decode(body).measurements
        return Report(len(loggers), [_entry(logger) for logger in loggers])
    except (msgspec.DecodeError, ValueError) as err:
        raise WireError("body", str(err)) from err


def key_of(body: bytes) -> str | None:
    """Return where the list of loggers lies in a message; None if the message is a bare list."""
    return None if _BARE.match(body) else "measurements"


def parse_part(chunk: bytes, first: int) -> Iterator[Report]:
    """Read a list of loggers cut out of a message; its first one is number *first* there.

    Yields slices that take a few milliseconds at most.
    """
    try:
        loggers = _LIST.decode(chunk)
        report = Report(len(loggers), [_entry(logger) for logger in loggers])
    except (msgspec.DecodeError, ValueError):
        pass
    else:
        yield report
        return
    try:
        entries = load(chunk)
    except WireError:
        for number, piece in enumerate(jsonsplit.pieces(chunk), first):
            yield from _piece(piece, number)
    else:
        yield from _tolerant(entries, first)


def parse_rest(rest: bytes, number: int, error: WireError) -> Iterator[Report]:
    """Read what is left of a message after entry *number* turned out to have no end.

    Quotes or brackets do not match there, so what follows is looked through for beginnings of
    entries, each of which then ends where the next one begins.
    """
    where = f"measurements[{number}]"
    if len(rest) > _LONGEST_SALVAGED:
        yield Report(bad=[Bad(error, HEAD + rest)])
        return
    starts = [match.start() for match in _ENTRY.finditer(rest)]
    for start, end in zip([0, *starts], [*starts, len(rest)], strict=True):
        text = rest[start:end].strip(_BETWEEN)
        if text:
            yield _salvaged(text, where, error)


def load(body: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Decode JSON as Python does, NaN and all.

    Raises:
        WireError: It is not JSON.
    """
    try:
        return json.loads(body.removeprefix(BOM).decode())
    except (ValueError, RecursionError) as err:
        raise WireError("body", f"expected JSON, {err}") from err


def parse_heartbeat(body: bytes) -> Heartbeat:
    """Read a heartbeat; what is wrong with one field is noted and leaves the others alone.

    Raises:
        WireError: It is not JSON, or does not say which gateway it comes from.
    """
    raw = load(body)
    if not isinstance(raw, dict):
        raise WireError("body", f"expected an object, got {fields.shown(raw)}")
    try:
        mac = fields.mac(raw.get("mac"))
    except ValueError as err:
        raise WireError("mac", str(err)) from err
    bad: list[WireError] = []
    found = _optional(raw, _HEARTBEAT, "", bad)
    in_range, capacity = found.pop("sensors_number") or (None, None)
    power = raw.get("power_monitor")
    if power is not None and not isinstance(power, dict):
        bad.append(WireError("power_monitor", f"expected an object, got {fields.shown(power)}"))
        power = None
    found.update(_optional(power or {}, _POWER, "power_monitor.", bad))
    return Heartbeat(
        mac=mac,
        name=found["name"],
        model=found["model"],
        sw_version=found["software_version"],
        at=found["current_time"],
        uptime=found["uptime"],
        in_range=in_range,
        capacity=capacity,
        next_at=found["next_communication_at"],
        has_power_monitor=power is not None,
        is_usb_connected=found["is_usb_connected"],
        is_charging=found["is_charging"],
        battery_level=found["battery_level"],
        bad=tuple(bad),
    )


# -- the regular way ------------------------------------------------------------------------------


def _entry(raw: _Logger) -> Entry:
    samples = []
    for param in raw.params:
        kind = kind_of(param.type)
        value = kind.read(param.value)
        channel = fields.channel(param.channel)
        samples.append(Sample(kind, channel, value if param.status == "ok" else None))
    return Entry(
        fields.serial(raw.serial),
        fields.moment(raw.measured_at),
        samples,
        None if raw.response_handle is None else fields.whole(raw.response_handle),
        None if raw.battery is None else raw.battery == "low",
        None if raw.signal is None else fields.signal(raw.signal),
        None if raw.measurement_interval is None else fields.interval(raw.measurement_interval),
        None if raw.next_measurement_at is None else fields.moment(raw.next_measurement_at),
    )


# -- the tolerant way -----------------------------------------------------------------------------


def _tolerant(entries: list[Any], first: int = 0) -> Iterator[Report]:
    for start in range(0, len(entries), _SLICE):
        report = Report(min(_SLICE, len(entries) - start))
        for number, raw in enumerate(entries[start : start + _SLICE], first + start):
            Reader(report, raw, f"measurements[{number}]").read()
        yield report


def _piece(piece: bytes, number: int) -> Iterator[Report]:
    """Read one element of a list that is not JSON as a whole."""
    where = f"measurements[{number}]"
    if not piece:  # a comma too many
        yield Report(1)
        return
    if len(piece) > LONGEST_ENTRY:
        error = WireError(where, f"expected at most {LONGEST_ENTRY} bytes, got {len(piece)}")
        yield Report(1, bad=[_broken(piece, error)])
        return
    try:
        yield from _tolerant([load(piece)], number)
    except WireError as err:
        yield from parse_rest(piece, number, WireError(where, err.problem))
        yield Report(1)


def _salvaged(text: bytes, where: str, error: WireError) -> Report:
    report = Report()
    try:
        decoded = text.decode()
        raw, end = _JSON.raw_decode(decoded)
        Reader(report, raw, where).read()
    except (ValueError, RecursionError):
        return Report(bad=[_broken(text, error)])
    if left := decoded[end:].strip(_CLOSING):
        report.bad.append(_broken(left.encode(), error))
    return report


def _broken(text: bytes, error: WireError) -> Bad:
    # The gateway keeps its data for a handle it finds in the answer, so even an unreadable
    # logger's handle is worth having.
    found = _HANDLE.search(text[:LONGEST_ENTRY])
    return Bad(error, HEAD + text + TAIL, handle=int(found[1]) if found else None)


def _optional(
    raw: Mapping[str, Any],
    readers: Mapping[str, Callable[[object], Any]],
    where: str,
    bad: list[WireError],
) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(readers)
    for name, reader in readers.items():
        value = raw.get(name)
        if value is None:
            continue
        try:
            found[name] = reader(value)
        except ValueError as err:
            bad.append(WireError(f"{where}{name}", str(err)))
    return found

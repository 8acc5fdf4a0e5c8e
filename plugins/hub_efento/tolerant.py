"""The tolerant reader: one logger at a time, one field at a time."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from hub import WireError
from hub_efento import fields
from hub_efento.report import Bad, Entry, Report, Sample
from hub_efento.types import kind_of

T = TypeVar("T")

HEAD, TAIL = b'{"measurements":[', b"]}"
"""What makes a whole message of one logger."""


def wrap(raw: object) -> bytes:
    """Write *raw* as the only logger of a message."""
    return HEAD + json.dumps(raw).encode() + TAIL


class Reader:
    """Reads one logger, as tolerantly as possible, into a report."""

    def __init__(self, report: Report, raw: Any, where: str) -> None:  # noqa: ANN401 - JSON is anything
        self._report = report
        self._raw = raw
        self._where = where
        # Places and problems, not the exceptions: their tracebacks would lead back here, and a
        # ring of objects for each bad logger is what the garbage collector is slow at.
        self._errors: list[tuple[str, str]] = []
        self._params: list[Any] = []  # those that could not be read

    def read(self) -> None:
        """Add an entry to the report, or a bad part, or both."""
        raw = self._raw
        if not isinstance(raw, dict):
            error = WireError(self._where, f"expected an object, got {fields.shown(raw)}")
            self._report.bad.append(Bad(error, wrap(raw)))
            return
        try:
            serial = self._field("serial", fields.serial)
            at = self._field("measured_at", fields.moment)
            params = self._field("params", fields.params)
        except WireError as err:
            serial_or_none = _or_none(fields.serial, raw.get("serial"))
            handle = _or_none(fields.whole, raw.get("response_handle"))
            error = WireError(err.where, err.problem)
            self._report.bad.append(Bad(error, wrap(raw), serial_or_none, handle))
            return
        entry = Entry(
            serial,
            at,
            self._samples(params),
            self._optional("response_handle", fields.whole),
            self._optional("battery", fields.is_battery_low),
            self._optional("signal", fields.signal),
            self._optional("measurement_interval", fields.interval),
            self._optional("next_measurement_at", fields.moment),
        )
        self._report.entries.append(entry)
        if self._errors:
            message = wrap({**raw, "params": self._params})
            self._report.bad.append(Bad(_joined(self._errors), message, serial))

    def _field(self, name: str, reader: Callable[[object], T]) -> T:
        try:
            return reader(self._raw.get(name))
        except ValueError as err:
            raise WireError(f"{self._where}.{name}", str(err)) from err

    def _optional(self, name: str, reader: Callable[[object], T]) -> T | None:
        if self._raw.get(name) is None:
            return None
        try:
            return self._field(name, reader)
        except WireError as err:
            self._errors.append((err.where, err.problem))
            return None

    def _samples(self, params: list[Any]) -> list[Sample]:
        samples = []
        for number, param in enumerate(params):
            try:
                samples.append(_sample(param, f"{self._where}.params[{number}]"))
            except WireError as err:
                self._errors.append((err.where, err.problem))
                self._params.append(param)
        return samples


def _joined(errors: list[tuple[str, str]]) -> WireError:
    where, problem = errors[0]
    more = f"; and {len(errors) - 1} more" if len(errors) > 1 else ""
    return WireError(where, problem + more)


def _sample(param: Any, where: str) -> Sample:  # noqa: ANN401 - JSON is anything
    if not isinstance(param, dict):
        raise WireError(where, f"expected an object, got {fields.shown(param)}")
    name = "channel"
    try:
        channel = fields.channel(param.get(name))
        name = "type"
        kind = kind_of(fields.label(param.get(name)))
        name = "status"
        is_ok = fields.is_ok(param.get(name))
        name = "value"
        value = kind.read(param.get(name)) if is_ok else None
    except ValueError as err:
        raise WireError(f"{where}.{name}", str(err)) from err
    return Sample(kind, channel, value)


def _or_none(reader: Callable[[object], T], value: object) -> T | None:
    try:
        return reader(value)
    except ValueError:
        return None

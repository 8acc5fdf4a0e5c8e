import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import UTC, WireError, jsonsplit
from hub_efento import wire
from hub_efento.report import Report

# -- strategies: from nearly right to anything at all -------------------------------------------

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["ok", "error", "low", "open", "6", " 6.0 ", "NaN", "\ud800", 8388557, 0, 1])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def nearly(good, *, odds=6):
    """Draw what is right most of the time, and anything else now and then."""
    return st.one_of(*[good] * odds, ANYTHING)


def sometimes(fields):
    """Leave out any of *fields*."""
    return st.fixed_dictionaries({}, optional=fields)


TIMES = st.integers(1_400_000_000, 2_000_000_000).map(
    lambda seconds: f"{dt.datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
)
PARAMS = sometimes(
    {
        "channel": nearly(st.integers(0, 6)),
        "type": nearly(st.sampled_from(["temperature", "humidity", "open-close", "radon"])),
        "value": nearly(st.floats(-50, 50) | st.integers(0, 9) | st.sampled_from(["open", "7"])),
        "status": nearly(st.sampled_from(["ok", "error", "OK"])),
        "extra": ANYTHING,
    }
)
ENTRIES = sometimes(
    {
        "serial": nearly(st.sampled_from(["282C024FFFB1", "282c024fffb2"])),
        "response_handle": nearly(st.integers(0, 9)),
        "battery": nearly(st.sampled_from(["ok", "low"])),
        "signal": nearly(st.integers(-100, 10)),
        "measured_at": nearly(TIMES),
        "measurement_interval": nearly(st.integers(1, 900)),
        "next_measurement_at": nearly(TIMES),
        "params": nearly(st.lists(nearly(PARAMS), max_size=4)),
    }
)
MESSAGES = nearly(
    st.fixed_dictionaries({"measurements": nearly(st.lists(nearly(ENTRIES), max_size=4))})
)


async def read(body):
    """Read a message in pieces, as the routes do with what is not regular."""
    whole = Report()

    def add(parts):
        for part in parts:
            whole.count += part.count
            whole.entries += part.entries
            whole.bad += part.bad

    split = await jsonsplit.split(body, wire.key_of(body))
    for chunk in split.chunks():
        add(wire.parse_part(chunk, whole.count))
    if split.error is not None:
        add(wire.parse_rest(split.rest, whole.count, split.error))
    return whole


def dumps(value):
    return json.dumps(value).encode()


# -- properties ---------------------------------------------------------------------------------


@given(MESSAGES)
async def test_any_json_is_read_or_refused_with_a_wire_error(message):
    body = dumps(message)
    try:
        report = wire.parse(body)
    except WireError:
        report = None
    try:
        patient = await read(body)
    except WireError:
        patient = None
    if report is not None:
        assert patient == report
        assert not report.bad


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
async def test_arbitrary_bytes_raise_nothing_but_a_wire_error(body):
    with pytest.raises(WireError):
        wire.parse(body)
    with pytest.raises(WireError):
        wire.parse_heartbeat(body)
    for report in wire.parse_rest(body, 0, WireError("byte 0", "expected JSON")):
        assert not report.entries


@given(st.lists(nearly(ENTRIES), min_size=1, max_size=5))
async def test_every_part_that_is_put_aside_is_a_message_that_fails_alone(entries):
    report = await read(dumps({"measurements": entries}))

    for bad in report.bad:
        again = await read(bad.raw)
        assert len(again.bad) == 1
        assert not any(entry.samples for entry in again.entries)


@given(st.lists(nearly(ENTRIES), min_size=2, max_size=5))
async def test_an_entry_is_read_the_same_whatever_its_neighbours_are(entries):
    together = await read(dumps(entries))

    alone = [await read(dumps([entry])) for entry in entries]
    assert together.entries == [entry for report in alone for entry in report.entries]
    assert len(together.bad) == sum(len(report.bad) for report in alone)
    assert together.count == len(entries)


@given(nearly(sometimes({
    "mac": nearly(st.just("28:2C:02:4F:03:0A"), odds=12),
    "name": nearly(st.just("Gateway")),
    "uptime": nearly(st.integers(0, 9999)),
    "current_time": nearly(st.integers(1_700_000_000, 1_800_000_000)),
    "next_communication_at": nearly(st.integers(1_700_000_000, 1_800_000_000)),
    "sensors_number": nearly(st.just("3/128")),
    "power_monitor": nearly(sometimes({
        "is_usb_connected": nearly(st.booleans()),
        "is_charging": nearly(st.booleans()),
        "battery_level": nearly(st.integers(0, 100)),
    })),
})))  # fmt: skip
def test_any_heartbeat_is_read_or_refused_with_a_wire_error(message):
    try:
        beat = wire.parse_heartbeat(dumps(message))
    except WireError:
        return
    assert len(beat.mac) == 12


# -- what a message says ------------------------------------------------------------------------


async def test_the_vendors_sample_is_regular(exchange):
    body = exchange("three_loggers")["request"]["body"].encode()

    report = wire.parse(body)

    assert [entry.serial for entry in report.entries] == [f"282C024FFFB{n}" for n in (1, 2, 3)]
    assert [entry.handle for entry in report.entries] == [1, 2, 3]
    first, _, third = report.entries
    assert first.at == dt.datetime(2024, 10, 12, 15, 28, 21, tzinfo=UTC)
    assert first.next_at == dt.datetime(2024, 10, 12, 18, 28, 21, tzinfo=UTC)
    assert (first.is_battery_low, first.signal, first.interval) == (False, -70, 180)
    assert [(s.kind.name, s.channel, s.value) for s in third.samples] == [
        ("temperature", 1, 50), ("humidity", 2, 30), ("pressure_diff", 3, 21),
    ]  # fmt: skip
    assert await read(body) == report


async def test_a_message_of_the_year_2020_is_regular(exchange):
    report = wire.parse(exchange("firmware_2020")["request"]["body"].encode())

    assert [entry.handle for entry in report.entries] == [0, 1]
    assert [entry.samples[0].value for entry in report.entries] == [21.9, 23.0]
    assert report.entries[0].next_at is None


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"serial": None}, "measurements[1].serial"),
        ({"serial": 5}, "measurements[1].serial"),
        ({"measured_at": "noon"}, "measurements[1].measured_at"),
        ({"measured_at": None}, "measurements[1].measured_at"),
        ({"params": {}}, "measurements[1].params"),
    ],
)
async def test_a_logger_that_can_not_be_read_is_named_and_keeps_its_handle(entry, change, where):
    good = entry(("temperature", 6))

    report = await read(dumps({"measurements": [good, entry(**{"serial": "B", **change}), good]}))

    assert len(report.entries) == 2
    (bad,) = report.bad
    assert bad.error.where == where
    assert bad.handle == 1
    assert bad.serial == (None if "serial" in change else "B")
    assert json.loads(bad.raw)["measurements"][0].items() >= change.items()


@pytest.mark.parametrize(
    ("param", "where"),
    [
        (7, "params[1]"),
        ({"type": "temperature", "value": 1}, "params[1].channel"),
        ({"channel": 1, "value": 1}, "params[1].type"),
        ({"channel": 1, "type": [], "value": 1}, "params[1].type"),
        ({"channel": 1, "type": "temperature", "value": "warm"}, "params[1].value"),
        ({"channel": 1, "type": "temperature", "value": True}, "params[1].value"),
        ({"channel": 1, "type": "temperature", "value": 1, "status": "?"}, "params[1].status"),
    ],
)
async def test_a_parameter_that_can_not_be_read_leaves_its_neighbours_alone(entry, param, where):
    raw = entry(("temperature", 6), ("humidity", 51))
    raw["params"].insert(1, param)

    report = await read(dumps({"measurements": [raw]}))

    assert [sample.value for sample in report.entries[0].samples] == [6, 51]
    (bad,) = report.bad
    assert bad.error.where == f"measurements[0].{where}"
    assert json.loads(bad.raw) == {"measurements": [{**raw, "params": [param]}]}


async def test_several_problems_of_one_logger_are_put_aside_together(entry):
    raw = entry(("temperature", "warm"), ("humidity", "wet"), battery=3, signal="loud")

    report = await read(dumps([raw]))

    (bad,) = report.bad
    assert str(bad.error) == (
        "measurements[0].params[0].value: expected a number, got 'warm'; and 3 more"
    )
    assert json.loads(bad.raw) == {"measurements": [raw]}
    assert report.entries[0].is_battery_low is None
    assert report.entries[0].signal is None


@pytest.mark.parametrize("value", [None, "---", 21.5, [], 8388557])
async def test_a_parameter_with_an_error_is_a_gap_whatever_its_value_is(entry, value):
    raw = entry()
    raw["params"] = [{"channel": 1, "type": "temperature", "value": value, "status": "error"}]

    report = await read(dumps([raw]))

    assert [sample.value for sample in report.entries[0].samples] == [None]
    assert not report.bad


async def test_nan_is_a_gap(entry):
    report = await read(dumps([entry(("temperature", float("nan")), ("humidity", 5))]))

    assert [sample.value for sample in report.entries[0].samples] == [None, 5]


@pytest.mark.parametrize("params", [[], None])
async def test_a_logger_without_parameters_is_heard_all_the_same(entry, params):
    report = await read(dumps([entry(params=params)]))

    assert [entry.samples for entry in report.entries] == [[]]
    assert not report.bad


async def test_a_handle_that_is_no_number_is_put_aside_but_the_logger_is_read(entry):
    report = await read(dumps([entry(("temperature", 6), response_handle="x")]))

    assert report.entries[0].handle is None
    assert report.bad[0].error.where == "measurements[0].response_handle"


async def test_numbers_of_entries_count_on_over_the_pieces(entry):
    good = entry(("temperature", 6))
    body = dumps({"measurements": [good] * 300 + [entry(serial=None)] + [good] * 100})

    report = await read(body)

    assert report.count == 401
    assert [bad.error.where for bad in report.bad] == ["measurements[300].serial"]


def test_a_long_message_is_not_read_in_one_go(entry):
    with pytest.raises(WireError, match="at most"):
        wire.parse(dumps({"measurements": [entry(("temperature", 6))] * 400}))


# -- what is not JSON ---------------------------------------------------------------------------


async def test_quotes_missing_in_one_logger_leave_the_others_alone(exchange):
    body = exchange("broken_quotes")["request"]["body"].encode()

    report = await read(body)

    assert [entry.handle for entry in report.entries] == [1, 2, 3]
    (bad,) = report.bad
    assert bad.handle == 4
    assert bad.error.where == "measurements[3]"
    assert b'"channel: 1' in bad.raw


async def test_an_odd_number_of_quotes_leaves_the_others_alone(entry):
    text = [json.dumps(entry(("temperature", n), response_handle=n)) for n in range(4)]
    text[1] = text[1].replace('"ok"', '"ok', 1)

    report = await read(f'{{"measurements": [{", ".join(text)}]}}'.encode())

    assert [e.handle for e in report.entries] == [0, 2, 3]
    assert [b.handle for b in report.bad] == [1]


async def test_what_stands_between_two_loggers_is_not_lost(entry):
    good = json.dumps(entry(("temperature", 6)))
    chunk = f"[{good} and more {good}]".encode()

    parts = list(wire.parse_part(chunk, 0))

    assert [len(part.entries) for part in parts] == [1, 1, 0]
    (bad,) = [bad for part in parts for bad in part.bad]
    assert bad.raw == b'{"measurements":[and more]}'


async def test_a_comma_too_many_is_no_loss(entry):
    good = json.dumps(entry(("temperature", 6)))

    report = await read(f"[{good},,{good},]".encode())

    assert len(report.entries) == 2
    assert not report.bad


async def test_an_endless_logger_is_not_looked_into():
    body = b'[{"serial": "A", "x": %b}, nonsense]' % (b'"' + b"x" * wire.LONGEST_ENTRY + b'"')

    report = await read(body.replace(b'"serial"', b"serial"))

    assert [len(bad.raw) > wire.LONGEST_ENTRY for bad in report.bad] == [True, False]
    assert "at most" in str(report.bad[0].error)


def test_an_endless_rest_is_put_aside_whole():
    rest = b'{"serial": ' + b" " * 2_000_000

    (report,) = wire.parse_rest(rest, 3, WireError("byte 9", "expected the end of a text"))

    assert report.bad[0].raw.endswith(rest)


@pytest.mark.parametrize("depth", [400, 900, 960, 980, 990, 100_000])
async def test_deep_nesting_is_put_aside(depth):
    report = await read(b'[{"serial": ' + b"[" * depth + b"]" * depth + b"}]")

    assert len(report.bad) == 1


# -- heartbeats ---------------------------------------------------------------------------------


def test_the_vendors_heartbeat_is_read(exchange):
    beat = wire.parse_heartbeat(exchange("heartbeat")["request"]["body"].encode())

    assert beat.mac == "282C024F030A"
    assert (beat.name, beat.model) == ("Efento-Gateway-030A", "HG6-v1.2-LECH")
    assert beat.sw_version == "01.00.00-c723d"
    assert beat.uptime == 2401
    assert (beat.in_range, beat.capacity) == (128, 128)
    assert beat.at == dt.datetime(2024, 11, 8, 13, 56, 32, tzinfo=UTC)
    assert beat.next_at - beat.at == dt.timedelta(seconds=1200)
    assert beat.has_power_monitor
    assert (beat.is_usb_connected, beat.is_charging, beat.battery_level) == (True, True, None)
    assert not beat.bad


def test_a_field_that_is_wrong_is_named_and_the_others_count():
    beat = wire.parse_heartbeat(
        dumps({"mac": "28:2C:02:4F:03:0A", "uptime": "long", "name": "G", "power_monitor": 5})
    )

    assert beat.name == "G"
    assert [error.where for error in beat.bad] == ["uptime", "power_monitor"]
    assert not beat.has_power_monitor


@pytest.mark.parametrize("message", [{}, [], {"mac": None}, {"mac": "28"}, 5])
def test_a_heartbeat_that_names_no_gateway_is_refused(message):
    with pytest.raises(WireError):
        wire.parse_heartbeat(dumps(message))

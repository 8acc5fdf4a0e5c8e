import datetime as dt
import json

import pytest

from hub import GatewayKey, Reading, WireError
from hub_efento import gateways, normalise, wire
from hub_efento.catalogue import _MOST_LOGGERS, Catalogue
from hub_efento.report import Bad, Entry, Report

NOW = dt.datetime(2024, 10, 12, 15, 28, 40, tzinfo=dt.UTC)
GATEWAY = gateways.group("barn")


def draft_of(*reports, catalogue=None, accepts=lambda _info: True):
    draft = normalise.Draft(catalogue or Catalogue(), GATEWAY, NOW, accepts)
    for report in reports:
        draft.add(report)
    for _ in draft.close():
        pass
    return draft


def parsed(*entries):
    return wire.parse(json.dumps({"measurements": entries}).encode())


def batch_of(*entries, **options):
    return draft_of(parsed(*entries), **options).batch([])


def infos(batch):
    return {reading.key: reading.info for reading in batch.readings}


def test_the_vendors_sample_becomes_readings(exchange):
    body = exchange("three_loggers")["request"]["body"].encode()

    batch = draft_of(wire.parse(body)).batch([])

    measured = [r for r in batch.readings if r.key not in ("battery", "signal")]
    assert [(r.device.uid, r.key, r.value) for r in measured] == [
        ("282C024FFFB1", "ch1_temperature", 6),
        ("282C024FFFB2", "ch1_temperature", 12),
        ("282C024FFFB2", "ch2_humidity", 51),
        ("282C024FFFB3", "ch1_temperature", 50),
        ("282C024FFFB3", "ch2_humidity", 30),
        ("282C024FFFB3", "ch3_pressure_diff", 21),
    ]
    assert {r.at for r in measured} == {dt.datetime(2024, 10, 12, 15, 28, 21, tzinfo=dt.UTC)}
    assert batch.received == NOW
    assert batch.gateways == (GATEWAY,)
    first = batch.devices[0]
    assert first.key.plugin == "efento"
    assert first.serial_number == "282C024FFFB1"
    assert first.connections == {("mac", "28:2c:02:4f:ff:b1")}
    assert (first.signal, first.gateway) == (-70, GatewayKey("efento", "token:barn"))


def test_battery_and_signal_are_diagnostic_and_come_once(entry):
    old = entry(("temperature", 6), battery="low", signal=-90, measured_at="2024-10-12 15:00:00")
    new = entry(("temperature", 7), battery="ok", signal=-60)

    batch = batch_of(old, new, old)

    extra = {r.key: r for r in batch.readings if r.key in ("battery", "signal")}
    assert len(batch.readings) == 3 + 2
    assert (extra["battery"].value, extra["signal"].value) == (False, -60)
    assert extra["battery"].info.domain == "binary_sensor"
    assert {r.info.category for r in extra.values()} == {"diagnostic"}
    assert {r.info.record for r in extra.values()} == {"sample"}
    assert [device.signal for device in batch.devices] == [-60]


def test_without_battery_and_signal_there_are_no_such_readings(entry):
    batch = batch_of(entry(("temperature", 6), battery=None, signal=20))

    assert [r.key for r in batch.readings] == ["ch1_temperature"]
    assert batch.devices[0].signal is None


def test_alike_entities_share_one_description(entry):
    catalogue = Catalogue()
    one = batch_of(entry(("temperature", 6)), catalogue=catalogue)
    again = batch_of(entry(("temperature", 7)), catalogue=catalogue)
    other = batch_of(entry(("temperature", 7), serial="282C024FFFB9"), catalogue=Catalogue())

    assert infos(one)["ch1_temperature"] is infos(again)["ch1_temperature"]
    assert infos(one)["ch1_temperature"] is infos(other)["ch1_temperature"]
    assert one.readings[0].device is again.readings[0].device
    assert one.devices[0] is again.devices[0]


def test_descriptions_use_home_assistants_names(entry):
    found = infos(batch_of(entry(("temperature", 6), ("open-close", "open"), ("radon", 3))))

    temperature = found["ch1_temperature"]
    assert (temperature.domain, temperature.name) == ("sensor", "Temperature")
    assert (temperature.unit, temperature.device_class) == ("°C", "temperature")
    assert temperature.state_class == "measurement"
    assert found["ch2_open_close"].domain == "binary_sensor"
    assert found["ch2_open_close"].device_class == "opening"
    assert (found["ch3_radon"].name, found["ch3_radon"].unit) == ("Radon", None)


def test_an_unknown_type_that_is_true_or_false_is_a_binary_sensor(entry):
    assert infos(batch_of(entry(("strange", True))))["ch1_strange"].domain == "binary_sensor"


def test_channels_of_one_type_are_numbered(entry):
    doors = [("open-close", "open"), ("temperature", 6), ("open-close", "closed")]

    found = infos(batch_of(entry(*doors)))

    assert [found[key].name for key in ("ch1_open_close", "ch2_temperature", "ch3_open_close")] == [
        "Opening 1",
        "Temperature",
        "Opening 3",
    ]


def test_a_name_that_was_given_stays(entry):
    catalogue = Catalogue()
    batch_of(entry(("open-close", "open")), catalogue=catalogue)

    later = infos(
        batch_of(entry(("open-close", "open"), ("open-close", "open")), catalogue=catalogue)
    )

    assert later["ch1_open_close"].name == "Opening"
    assert later["ch2_open_close"].name == "Opening 2"


def test_a_logger_with_very_many_channels_is_still_read(entry):
    catalogue = Catalogue()
    params = [("temperature", n) for n in range(200)]

    for _ in range(2):
        batch = batch_of(entry(*params), catalogue=catalogue)
        measured = [r for r in batch.readings if r.key.startswith("ch")]
        assert [(r.key, r.value) for r in measured] == [
            (f"ch{n + 1}_temperature", n) for n in range(200)
        ]
        assert len({r.info.name for r in measured}) == 200
    assert len(catalogue.logger("282C024FFFB1").slots) <= 64


def test_the_catalogue_is_bounded():
    catalogue = Catalogue()
    first = catalogue.logger("0")

    for number in range(_MOST_LOGGERS):
        catalogue.logger(str(number + 1))

    assert catalogue.logger("0") is not first


@pytest.mark.parametrize(
    ("interval", "next_at", "expected"),
    [
        (180, None, 180),
        (180, "2024-10-12 15:31:40 UTC", 180),
        (180, "2024-10-12 15:00:00 UTC", 180),
        (180, "2024-10-12 18:28:40 UTC", 3600),
        (180, "2024-10-12 18:28:41 UTC", 3660),
        (180, "2034-10-12 18:28:41 UTC", 80 * 3600),
        (None, "2024-10-12 15:58:40 UTC", 600),
        (None, "2024-10-12 14:58:40 UTC", None),
        (None, None, None),
    ],
)
def test_a_logger_is_expected_when_it_said_it_would_send(entry, interval, next_at, expected):
    batch = batch_of(entry(measurement_interval=interval, next_measurement_at=next_at))

    found = batch.devices[0].interval
    assert found == (None if expected is None else dt.timedelta(seconds=expected))


def test_loggers_that_are_not_wanted_are_answered_but_not_stored(entry):
    report = parsed(
        entry(("temperature", 6)),
        entry(("temperature", 6), serial="B", response_handle=2),
        entry(("temperature", 7), serial="B", response_handle=2),
    )
    asked = []

    def accepts(info):
        asked.append(info.key.uid)
        return info.key.uid != "B"

    draft = draft_of(report, accepts=accepts)

    assert draft.answer() == ([1], [2])
    batch = draft.batch([])
    assert {r.device.uid for r in batch.readings} == {"282C024FFFB1"}
    assert [d.key.uid for d in batch.devices] == ["282C024FFFB1"]
    assert asked == ["282C024FFFB1", "B"]


def test_each_handle_is_answered_once_and_in_one_list(entry):
    report = parsed(
        entry(response_handle=0),
        entry(response_handle=0),
        entry(response_handle=None, serial="C"),
        entry(serial="B", response_handle=0),
        entry(serial="B", response_handle=5),
    )

    draft = draft_of(report, accepts=lambda info: info.key.uid != "B")

    assert draft.answer() == ([0], [5])


def bad(serial=None, handle=None, number=0):
    return Bad(WireError(f"measurements[{number}]", "wrong"), b"{}", serial, handle)


def test_handles_of_bad_parts_are_answered_too():
    report = Report(3, [], [bad(handle=1), bad("A", 2), bad("B", 3)])

    draft = draft_of(report, accepts=lambda info: info.key.uid != "B")

    assert draft.answer() == ([1, 2], [3])
    assert draft.bad_count == 2


def test_a_bad_part_of_a_logger_that_was_heard_is_judged_like_it(entry):
    report = parsed(entry(("temperature", 6)))
    report.bad.append(bad("282C024FFFB1"))

    asked = []
    draft = draft_of(report, accepts=lambda info: asked.append(info) or False)

    assert draft.bad_count == 0
    assert len(asked) == 1


def test_very_many_bad_parts_are_only_counted():
    draft = draft_of(Report(1000, [], [bad(number=n) for n in range(1000)]))

    assert draft.bad_count == 1000
    assert len(draft.bad) == normalise.MOST_PARTS


def test_many_loggers_are_closed_in_slices():
    at = NOW
    report = Report(200, [Entry(f"L{n}", at, []) for n in range(200)])
    draft = normalise.Draft(Catalogue(), GATEWAY, NOW, lambda _info: True)
    draft.add(report)

    assert len(list(draft.close())) == 3
    assert len(draft.batch([]).devices) == 200


def test_what_is_put_aside_says_where_it_came_from_and_holds_no_secret(make_request):
    request = make_request(b"body", headers={"X-Api-Token": "secret", "Content-Type": "text/x"})

    (part,) = normalise.parts([bad(number=3)], request)

    assert part.plugin == "efento"
    assert part.source == "barn at 192.168.1.7"
    assert part.part == "measurements[3]"
    assert part.route == "/api/v4/measurements"
    assert part.headers == {"Content-Type": "text/x"}


def test_an_error_becomes_a_gap(entry):
    batch = batch_of(entry(("temperature", 8388557), ("humidity", 50)))

    values = {r.key: r.value for r in batch.readings}
    assert values["ch1_temperature"] is None
    assert values["ch2_humidity"] == 50
    assert all(isinstance(r, Reading) for r in batch.readings)

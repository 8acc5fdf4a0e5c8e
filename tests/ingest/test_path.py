import asyncio
import datetime as dt
import errno
import threading

import pytest
from msgspec import structs

from hub.clock import UTC, to_us
from hub.errors import StorageBusy, StorageFull
from hub.event import CustomEvent
from hub.events import HeartbeatReceived
from hub.model import Batch, DeviceInfo, DeviceKey, EntityInfo, Quarantined, Reading, evolve
from hub.registry.entries import NEVER

CHANGED = "state_changed"
READING = "reading"
BACKFILL = "readings_stored"


class Gate:
    """A fault that holds the writer before a commit until it is opened."""

    def __init__(self):
        self.is_reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, place):
        if place == "commit":
            self.is_reached.set()
            assert self.opened.wait(20)

    async def reached(self):
        assert await asyncio.to_thread(self.is_reached.wait, 10)


def full(_place):
    raise OSError(errno.ENOSPC, "no space left")


async def recover(rig):
    rig.store.writer.fault = None
    await rig.committed()


# -- acknowledged means on disk -------------------------------------------------------------------


async def test_a_reading_is_on_disk_when_ingest_returns_and_then_moves_the_state(rig):
    batch = rig.batch(rig.reading(21.5))

    result = await rig.path.ingest(batch)

    assert (result.stored, result.duplicate) == (1, 0)
    assert await rig.rows() == [(0, 0, 21.5)]
    await rig.applied()
    state = rig.state()
    assert state.entity_id == "sensor.logger_temperature"
    assert state.state == "21.5"
    assert state.attributes == {
        "state_class": "measurement",
        "unit_of_measurement": "°C",
        "device_class": "temperature",
        "friendly_name": "logger Temperature",
    }
    assert [e.type for e in rig.taken()] == [
        "device_discovered",
        "device_registry_updated",
        "entity_registry_updated",
        CHANGED,
        READING,
    ]


async def test_all_events_of_a_batch_share_its_context(rig):
    await rig.send(21.5)

    assert len({e.context.id for e in rig.events}) == 1


async def test_the_acknowledgement_does_not_wait_for_slow_listeners(rig):
    order = []
    rig.bus.subscribe(CHANGED, lambda _e: order.append("listener"), owner="slow")

    async def send():
        await rig.path.ingest(rig.batch(rig.reading(1)))
        order.append("acknowledged")

    await send()
    await rig.applied()

    assert order == ["acknowledged", "listener"]


async def test_a_listener_that_fails_changes_no_acknowledgement(rig, caplog):
    def fail(_event):
        raise RuntimeError

    rig.bus.subscribe(CHANGED, fail, owner="clumsy")

    result = await rig.send(1)
    await rig.send(2, 1)

    assert result.stored == 1
    assert rig.state().state == "2"
    assert "owner=clumsy" in caplog.text


# -- again is harmless ----------------------------------------------------------------------------


async def test_the_same_again_is_stored_once_and_tells_nobody(rig):
    reading = rig.reading(21.5)
    await rig.ingest(reading)
    rig.taken()

    result = await rig.ingest(reading)

    assert (result.stored, result.duplicate) == (0, 1)
    assert await rig.rows() == [(0, 0, 21.5)]
    assert rig.taken() == []
    assert (rig.path.reading_count, rig.path.duplicate_count) == (1, 1)


async def test_a_batch_that_repeats_itself_counts_once_and_moves_the_state(rig):
    result = await rig.ingest(rig.reading(21.5), rig.reading(21.5), rig.reading(21.5))

    assert (result.stored, result.duplicate) == (1, 2)
    assert rig.state().state == "21.5"
    assert [e.type for e in rig.taken(CHANGED, READING, BACKFILL)] == [CHANGED, READING]


async def test_a_whole_and_a_fractional_number_are_the_same_again(rig):
    result = await rig.ingest(rig.reading(21), rig.reading(21.0))

    assert (result.stored, result.duplicate) == (1, 1)
    assert rig.state().state == "21"


async def test_two_batches_that_race_store_a_reading_once(rig):
    batches = [rig.batch(rig.reading(1), rig.reading(2, 1)) for _ in range(2)]

    results = await asyncio.gather(*[rig.path.ingest(batch) for batch in batches])
    await rig.applied()

    assert sorted(r.stored for r in results) == [0, 2]
    assert sorted(r.duplicate for r in results) == [0, 2]
    assert [row[2] for row in await rig.rows()] == [1, 2]
    assert len(rig.taken(CHANGED)) == 1
    assert rig.state().state == "2"


async def test_two_batches_that_race_announce_a_new_device_once(rig):
    batches = [rig.batch(rig.reading(n, n)) for n in range(3)]

    await asyncio.gather(*[rig.path.ingest(batch) for batch in batches])
    await rig.applied()

    news = rig.taken("device_discovered", "device_registry_updated", "entity_registry_updated")
    assert [(e.type, getattr(e, "action", None)) for e in news] == [
        ("device_discovered", None),
        ("device_registry_updated", "create"),
        ("entity_registry_updated", "create"),
    ]
    assert len(await rig.records("entity")) == len(await rig.records("device")) == 1


async def test_a_batch_that_overtakes_a_longer_one_loses_nothing(rig):
    await rig.send(0, -1000)
    long = rig.batch(*[rig.reading(n, n - 900) for n in range(800)])
    task = asyncio.ensure_future(rig.path.ingest(long))
    await asyncio.sleep(0)

    short = await rig.path.ingest(rig.batch(rig.reading(0, -900), rig.reading(999, 0)))
    result = await task
    await rig.applied()

    assert short.stored + result.stored == 801
    assert short.duplicate + result.duplicate == 1
    assert len(await rig.rows()) == 802
    assert rig.state().state == "999"


async def test_the_events_of_a_batch_are_told_once(rig):
    event = HeartbeatReceived("farm", "gate", {"up": 1})
    parts = {"events": (event, CustomEvent(name="x", fired_us=5))}
    batch = rig.batch(rig.reading(1), **parts)

    for _ in range(2):
        await rig.path.ingest(batch)
        await rig.applied()

    told = [e for e in rig.events if e.type in {"gateway_heartbeat", ""}]
    assert len(told) == 2
    assert told[0].time_fired == rig.clock.now()
    assert told[1].fired_us == 5
    assert told[0].context.id == told[1].context.id


async def test_a_batch_of_events_alone_needs_no_disk(rig):
    await rig.ingest(events=(HeartbeatReceived("farm", "gate"),))

    assert len(rig.taken("gateway_heartbeat")) == 1
    assert rig.store.writer.counters.batch_count == 0


async def test_what_is_no_event_is_refused_before_anything_is_noted(rig):
    with pytest.raises(TypeError, match="expected Event objects"):
        await rig.ingest(rig.reading(1), events=({"type": "x"},))

    assert not rig.registry.devices


# -- one moment, two values -----------------------------------------------------------------------


async def test_another_value_for_the_same_moment_replaces_the_first(rig):
    await rig.send(21.5)
    rig.taken()

    result = await rig.send(22.5)

    assert (result.stored, result.replaced) == (0, 1)
    assert await rig.rows() == [(0, 0, 22.5)]
    assert rig.state().state == "22.5"
    assert [e.type for e in rig.taken()] == [CHANGED, READING]
    assert rig.path.replaced_count == 1


async def test_a_replaced_value_may_come_back(rig):
    for value in (21.5, 22.5, 21.5):
        await rig.send(value)

    assert await rig.rows() == [(0, 0, 21.5)]
    assert rig.state().state == "21.5"


@pytest.mark.parametrize("values", [[1, 2], [1, 2, 1], [1, 1, 2], [True, 1], ["1", 1, "1"]])
async def test_in_one_batch_the_last_value_of_a_moment_stays(rig, values):
    await rig.ingest(*[rig.reading(value, info=EntityInfo(name="x")) for value in values])

    [(_, _, stored)] = await rig.rows()
    assert (stored, type(stored)) == (values[-1], type(values[-1]))
    assert rig.series().value == values[-1]


async def test_a_series_may_keep_both_values_of_a_moment(rig, infos):
    for value in (5, 6, 5, 6):
        await rig.send(value, info=infos["both"])

    assert await rig.rows() == [(0, 0, 5), (0, 1, 6)]
    assert rig.state().state == "6"
    assert [e.new_state.state for e in rig.taken(CHANGED)] == ["5", "6"]


async def test_a_series_may_keep_both_values_that_come_together(rig, infos):
    result = await rig.ingest(*[rig.reading(v, info=infos["both"]) for v in (5, 6)])

    assert result.stored == 2
    assert await rig.rows() == [(0, 0, 5), (0, 1, 6)]
    assert rig.state().state == "6"


# -- late is not now ------------------------------------------------------------------------------


async def test_an_older_reading_is_history_only(rig):
    await rig.send(21.5)
    rig.taken()

    result = await rig.send(19.5, -10)

    assert result.stored == 1
    assert rig.state().state == "21.5"
    [event] = rig.taken()
    assert (event.type, event.count) == (BACKFILL, 1)
    assert event.first_us == event.last_us == to_us(rig.at(-10))


async def test_of_a_batch_only_the_newest_moves_the_state(rig):
    await rig.ingest(*[rig.reading(n, n - 5) for n in (3, 1, 4, 2)])

    assert rig.state().state == "4"
    assert [e.value for e in rig.taken(READING)] == [4]
    assert [row[2] for row in await rig.rows()] == [1, 2, 3, 4]


async def test_the_others_of_a_batch_are_told_in_one_summary(rig):
    await rig.ingest(*[rig.reading(n, n - 5) for n in (3, 1, 4, 2)])

    [event] = rig.taken(BACKFILL)
    assert (event.count, event.entity_id) == (3, "sensor.logger_temperature")
    assert (event.first_us, event.last_us) == (to_us(rig.at(-4)), to_us(rig.at(-2)))


@pytest.mark.parametrize(("age", "is_late"), [(0, False), (300, False), (301, True)])
async def test_beyond_five_minutes_a_reading_is_late_but_still_the_state(rig, age, is_late):
    await rig.send(21.5, -age)

    assert rig.state().state == "21.5"
    [change] = [e for e in rig.events if e.type == CHANGED]
    assert change.is_late is is_late
    assert [e.type for e in rig.taken(READING, BACKFILL)] == [BACKFILL if is_late else READING]


@pytest.mark.parametrize(("age", "is_late"), [(1800, False), (1801, True)])
async def test_three_intervals_are_live_for_a_device_that_says_how_often_it_sends(
    rig, age, is_late
):
    await rig.ingest(rig.reading(21.5, -age), devices=(rig.told(600),))

    assert [e.is_late for e in rig.taken(CHANGED)] == [is_late]


async def test_a_late_duplicate_is_not_told_again(rig):
    await rig.send(2)
    await rig.send(1, -10)
    rig.taken()

    await rig.send(1, -10)

    assert rig.taken() == []


async def test_a_huge_backfill_is_one_summary_and_one_record(rig):
    readings = [rig.reading(n, n - 5000) for n in range(5000)]

    result = await rig.ingest(*readings)

    assert result.stored == 5000
    [event] = rig.taken(BACKFILL)
    assert event.count == 4999
    assert rig.state().state == "4999"
    assert rig.store.writer.counters.row_count < 5010


async def test_times_of_a_state_are_those_of_the_reading(rig):
    await rig.send(21.5, -60)

    state = rig.state()
    assert state.last_changed == state.last_updated == rig.at(-60)
    assert state.last_reported == rig.at()


async def test_a_clock_slightly_ahead_does_not_reach_into_the_future(rig):
    await rig.send(21.5, 60)

    state = rig.state()
    assert state.last_changed == state.last_updated == state.last_reported == rig.at()
    assert await rig.rows() == [(60, 0, 21.5)]


async def test_the_same_value_later_only_reports(rig):
    reports = []
    rig.bus.subscribe("state_reported", reports.append, owner="test")
    await rig.send(21.5)
    await rig.clock.advance(60)
    rig.taken()

    await rig.send(21.5)

    assert [e.type for e in rig.taken()] == [READING]
    assert len(reports) == 1
    assert rig.state().last_changed == rig.at(-60)
    assert rig.state().last_reported == rig.at()


# -- suspect clocks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    [dt.timedelta(minutes=10, microseconds=1), dt.datetime(2014, 12, 31, 23, 59, 59, tzinfo=UTC)],
)
async def test_a_suspect_time_is_stored_and_never_shown(rig, at):
    moment = at if isinstance(at, dt.datetime) else rig.clock.now() + at
    await rig.send(21.5)
    rig.taken()

    result = await rig.send(99, moment)

    assert (result.stored, result.suspect) == (1, 1)
    assert rig.path.suspect_count == 1
    assert rig.state().state == "21.5"
    assert rig.taken(CHANGED, READING) == []
    rows = await rig.store.history.rows(rig.series().entity.series)
    assert [row.is_suspect for row in rows if row.value == 99] == [True]
    again = await rig.send(99, moment)
    assert again.duplicate == 1


async def test_a_suspect_time_does_not_make_the_next_reading_old(rig):
    await rig.send(99, 86_400)
    await rig.send(21.5, 1)

    assert rig.state().state == "21.5"


async def test_a_suspect_reading_that_has_become_credible_is_shown_once(rig):
    moment = rig.at(1200)
    await rig.send(99, moment)
    await rig.clock.advance(1200)

    result = await rig.send(99, moment)
    again = await rig.send(99, moment)

    assert result.stored + again.stored == 0
    assert result.duplicate == again.duplicate == 1
    assert rig.state().state == "99"
    assert len(rig.taken(READING)) == 1


@pytest.mark.parametrize("seconds", [600, -(11 * 365 * 86_400)])
async def test_up_to_ten_minutes_ahead_and_since_2015_a_clock_is_believed(rig, seconds):
    result = await rig.send(1, seconds)

    assert result.suspect == 0
    assert rig.state() is not None


# -- kinds and values -----------------------------------------------------------------------------


async def test_what_a_vendor_sent_comes_back_from_history_as_it_was(rig):
    values = [7, 7.5, "7", True, False, None, {}, [], {"a": [1, None]}, "open", 10**30, "", "é"]
    readings = [rig.reading(v, n, info=EntityInfo(name="x")) for n, v in enumerate(values)]

    await rig.ingest(*readings)

    stored = [row[2] for row in await rig.rows()]
    assert stored == values
    assert [type(v) for v in stored] == [type(v) for v in values]


@pytest.mark.parametrize(
    ("first", "entity_id"),
    [
        (True, "binary_sensor.logger_t"),
        (1, "sensor.logger_t"),
        ("open", "sensor.logger_t"),
        (None, "sensor.logger_t"),
    ],
)
async def test_without_a_description_the_first_value_decides_the_kind(rig, first, entity_id):
    await rig.send(first, info=None)

    assert rig.state().entity_id == entity_id


async def test_a_kind_stays_and_a_value_that_does_not_fit_is_unknown_and_reported(rig):
    misfits = []
    rig.path.applier.misfit = lambda series, value: misfits.append((series.entity.key, value))
    await rig.send(21.5)

    await rig.send("broken", 1)
    assert rig.state().state == "unknown"
    await rig.send("22.5", 2)

    assert rig.state().state == "22.5"
    assert misfits == [("t", "broken")]
    assert [row[2] for row in await rig.rows()] == [21.5, "broken", "22.5"]
    assert len(rig.registry) == 1


async def test_a_plugin_may_describe_better_but_not_change_the_domain(rig):
    await rig.send(1, info=EntityInfo(domain="sensor", name="Door"))
    rig.taken()

    await rig.send(1, 1, info=EntityInfo(domain="binary_sensor", name="Door", icon="mdi:door"))

    assert rig.state().entity_id == "sensor.logger_door"
    assert rig.state().attributes["icon"] == "mdi:door"
    [event] = rig.taken("entity_registry_updated")
    assert (event.action, event.entity_id) == ("update", "sensor.logger_door")
    rig.taken()
    await rig.send(1, 2, info=EntityInfo(domain="sensor", name="Door", icon="mdi:door"))
    assert rig.taken("entity_registry_updated") == []


async def test_an_entity_stays_known_while_its_new_description_is_being_stored(rig):
    await rig.send(1)
    gate = rig.store.writer.fault = Gate()
    better = evolve(rig.series().entity.info, icon="mdi:door")

    task = asyncio.ensure_future(rig.path.ingest(rig.batch(rig.reading(2, 1, info=better))))
    await gate.reached()

    assert rig.registry.entity("sensor.logger_temperature") is not None
    assert len(list(rig.registry.entities())) == 1
    gate.opened.set()
    await task


async def test_a_new_entity_is_not_known_before_it_is_on_disk(rig):
    gate = rig.store.writer.fault = Gate()

    task = asyncio.ensure_future(rig.path.ingest(rig.batch(rig.reading(2))))
    await gate.reached()

    assert rig.registry.entity("sensor.logger_temperature") is None
    assert list(rig.registry.entities()) == []
    gate.opened.set()
    await task
    assert rig.registry.entity("sensor.logger_temperature") is not None


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), [float("nan")], {1: {2}}, pytest.param(10**5000, id="huge")],
)
async def test_a_value_that_is_no_json_goes_to_the_quarantine_and_its_neighbours_are_stored(
    rig, value
):
    result = await rig.ingest(rig.reading(1), rig.reading(value, 1), rig.reading(2, 2))

    assert result.stored == 2
    assert len(result.quarantine_ids) == 1
    assert [row[2] for row in await rig.rows()] == [1, 2]
    assert rig.state().state == "2"
    [event] = rig.taken("message_quarantined")
    assert (event.plugin, event.source) == ("farm", "logger")
    assert event.quarantine_id == result.quarantine_ids[0]


async def test_a_time_without_a_zone_refuses_the_batch_and_leaves_nothing_behind(rig, infos):
    naive = rig.clock.now().replace(tzinfo=None)
    bad = [
        rig.reading(-70, 0, key="s", info=infos["signal"]),
        Reading(rig.device, "t", 1, naive),
    ]

    with pytest.raises(ValueError, match="reading t of logger: expected a time with its zone"):
        await rig.ingest(*bad)

    assert await rig.records("device") == {}
    result = await rig.ingest(bad[0])
    assert (result.stored, result.state_only) == (1, 0)
    assert len(rig.taken("device_discovered")) == 1


async def test_a_value_that_can_not_be_shown_does_not_stop_those_behind_it(rig):
    def fail(_series, _value):
        raise RuntimeError

    errors = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: errors.append(what))
    await rig.send(1)
    rig.path.applier.misfit = fail

    await rig.send("broken", 1)
    await rig.send(3, 2)

    assert rig.state().state == "3"
    assert len(errors) == 1


async def test_quarantined_parts_are_stored_with_their_neighbours_and_told(rig):
    part = Quarantined(plugin="farm", source="gate", reason="no such type", raw=b"\x00")

    result = await rig.ingest(rig.reading(1), quarantined=(part,))

    [event] = rig.taken("message_quarantined")
    assert (event.reason, event.quarantine_id) == ("no such type", result.quarantine_ids[0])
    assert rig.store.quarantine.count == 1


# -- samples --------------------------------------------------------------------------------------


async def test_of_a_sampled_series_the_first_of_each_quarter_is_kept(rig, infos):
    signal = {"key": "s", "info": infos["signal"]}  # the rig starts at half past twelve
    moments = (-1800, -1740, -901, -900, -1, 0)
    for seconds in moments:
        await rig.send(-60 + seconds / 100, seconds, **signal)

    assert [row[0] for row in await rig.rows("s")] == [-1800, -900, 0]
    assert rig.state("s").state == "-60"


async def test_a_sampled_reading_between_two_samples_moves_the_state_alone(rig, infos):
    signal = {"key": "s", "info": infos["signal"]}
    await rig.send(-60, **signal)
    rig.taken()

    result = await rig.send(-70, 1, **signal)

    assert (result.stored, result.state_only) == (0, 1)
    assert await rig.rows("s") == [(0, 0, -60)]
    assert rig.state("s").state == "-70"
    assert [e.type for e in rig.taken()] == [CHANGED, READING]


async def test_a_sample_that_is_told_again_changes_nothing(rig, infos):
    signal = {"key": "s", "info": infos["signal"]}
    for seconds in (0, 1):
        await rig.send(-60 - seconds, seconds, **signal)
    rig.taken()

    for seconds in (0, 1):
        await rig.send(-60 - seconds, seconds, **signal)

    assert rig.taken() == []
    assert await rig.rows("s") == [(0, 0, -60)]


async def test_another_value_for_the_moment_of_a_sample_moves_the_state(rig, infos):
    signal = {"key": "s", "info": infos["signal"]}
    await rig.send(-90, **signal)
    rig.taken()

    await rig.send(-50, **signal)

    assert rig.state("s").state == "-50"
    assert [e.type for e in rig.taken()] == [CHANGED, READING]
    assert await rig.rows("s") == [(0, 0, -90)]
    await rig.send(-50, **signal)
    assert rig.taken() == []


async def test_a_sample_is_kept_after_the_disk_had_refused_it(rig, infos):
    signal = {"key": "s", "info": infos["signal"]}
    rig.store.writer.fault = full
    with pytest.raises(StorageFull):
        await rig.send(-60, **signal)
    await recover(rig)

    result = await rig.send(-60, **signal)

    assert result.stored == 1


async def test_backfilled_samples_are_kept_too(rig, infos):
    signal = {"key": "s", "info": infos["signal"]}
    await rig.send(-60, **signal)

    await rig.ingest(*[rig.reading(-61, -3600 + 900 * n, **signal) for n in range(3)])

    assert len(await rig.rows("s")) == 4


# -- when storage fails ---------------------------------------------------------------------------


@pytest.fixture
async def refused(rig):
    """A first message that the disk refused, before it was repaired."""
    batch = rig.batch(
        rig.reading(21.5),
        gateways=(rig.heard(60, name="Gate"),),
        devices=(rig.told(60, name="Cold store"),),
        events=(HeartbeatReceived("farm", "gate"),),
    )
    rig.store.writer.fault = full
    with pytest.raises(StorageFull):
        await rig.path.ingest(batch)
    await rig.applied()
    await recover(rig)
    return batch


async def test_nothing_is_shown_or_told_of_what_was_not_stored(rig, refused):
    assert refused.readings
    assert rig.taken() == []
    assert len(rig.states) == 0
    assert not rig.path.presence.is_online(rig.gateway)
    assert list(rig.registry.entities()) == []


async def test_what_is_sent_again_after_a_failure_is_stored_whole(rig, refused):
    result = await rig.path.ingest(refused)
    await rig.applied()

    assert result.stored == 1
    assert [e.type for e in rig.taken()] == [
        "gateway_online",
        "device_discovered",
        "device_registry_updated",
        "entity_registry_updated",
        CHANGED,
        READING,
        "gateway_heartbeat",
    ]
    await rig.reopen()
    assert rig.registry.gateways[rig.gateway].name == "Gate"
    assert rig.registry.devices[rig.device].record.name == "Cold store"
    assert rig.state().state == "21.5"


async def test_a_gateway_is_only_written_again_if_it_must_be(rig, refused):
    await rig.path.ingest(refused)
    before = rig.store.writer.counters.row_count

    await rig.ingest(gateways=(rig.heard(60, name="Gate"),))

    assert rig.store.writer.counters.row_count == before


async def test_a_new_name_that_the_disk_refused_is_written_next_time(rig):
    await rig.ingest(rig.reading(1), devices=(rig.told(name="Old"),))
    told = rig.told(name="New")
    rig.store.writer.fault = full
    with pytest.raises(StorageFull):
        await rig.ingest(rig.reading(2, 1), devices=(told,))
    await recover(rig)

    await rig.ingest(rig.reading(2, 1), devices=(told,))

    await rig.reopen()
    assert rig.registry.devices[rig.device].record.name == "New"


async def test_a_batch_whose_sender_has_gone_is_stored_and_shown_all_the_same(rig):
    gate = rig.store.writer.fault = Gate()
    task = asyncio.ensure_future(rig.path.ingest(rig.batch(rig.reading(21.5))))
    await gate.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.opened.set()
    rig.store.writer.fault = None

    await rig.committed()

    assert rig.state().state == "21.5"
    assert (await rig.send(21.5)).duplicate == 1


async def test_a_batch_whose_sender_has_gone_and_that_fails_leaves_no_trace(rig):
    gate = Gate()

    def fault(place):
        gate(place)
        full(place)

    rig.store.writer.fault = fault
    task = asyncio.ensure_future(
        rig.path.ingest(rig.batch(rig.reading(1), devices=(rig.told(name="Cold store"),)))
    )
    await asyncio.sleep(0)
    task.cancel()
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(1000):
        await asyncio.sleep(0.001)
        if rig.store.writer.counters.failed_batch_count:
            break
    await asyncio.sleep(0.01)
    await recover(rig)

    assert rig.series().marked_hour == NEVER
    await rig.send(1)
    await rig.reopen()
    assert rig.state().state == "1"


async def test_a_sender_that_leaves_while_its_batch_is_being_prepared_leaves_no_trace(rig):
    task = asyncio.ensure_future(
        rig.path.ingest(rig.batch(*[rig.reading(n, n - 999) for n in range(900)]))
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    result = await rig.ingest(*[rig.reading(n, n - 999) for n in range(900)])

    assert result.stored == 900
    assert len(rig.taken("device_discovered")) == 1
    await rig.reopen()
    assert rig.state().state == "899"


async def test_a_batch_that_waited_too_long_may_be_sent_again(rig):
    gate = rig.store.writer.fault = Gate()
    with pytest.raises(StorageBusy):
        await rig.path.ingest(rig.batch(rig.reading(1)))
    gate.opened.set()
    rig.store.writer.fault = None
    await asyncio.sleep(0.05)
    await rig.committed()

    result = await rig.send(1)

    assert result.duplicate == 1
    assert rig.state().state == "1"
    assert len(rig.taken(READING)) == 1


async def test_hours_are_marked_again_after_a_failure_and_after_the_rollups_took_them(rig):
    rig.store.writer.fault = full
    with pytest.raises(StorageFull):
        await rig.send(1)
    await recover(rig)
    await rig.send(1)
    query = "SELECT count(*) FROM dirty"
    count = await rig.store.readers.run(lambda c: c.execute(query).fetchone()[0])
    assert count == 1

    rig.path.unmark([(rig.series().entity.series, 0), (999, 0)])

    assert rig.series().marked_hour == NEVER


# -- devices --------------------------------------------------------------------------------------


async def test_a_device_that_is_renamed_by_its_plugin_shows_its_new_name(rig):
    await rig.ingest(rig.reading(1), devices=(rig.told(name="Old"),))
    rig.taken()

    await rig.ingest(rig.reading(2, 1), devices=(rig.told(name="New", model="L1"),))

    assert rig.state().name == "New Temperature"
    assert rig.state().entity_id == "sensor.old_temperature"
    [event] = rig.taken("device_registry_updated")
    assert event.action == "update"


async def test_readings_of_a_disabled_device_or_entity_are_ignored(rig):
    await rig.ingest(rig.reading(1), rig.reading(2, key="other", info=None))
    series = rig.series()
    series.entity = structs.replace(series.entity, disabled_by="user")
    rig.taken()

    result = await rig.ingest(rig.reading(3, 1), rig.reading(4, 1, key="other", info=None))
    assert result.stored == 1
    entry = rig.registry.devices[rig.device]
    entry.record = structs.replace(entry.record, disabled_by="user")
    result = await rig.ingest(rig.reading(5, 2), rig.reading(6, 2, key="other", info=None))

    assert result.stored == 0
    assert [e.key for e in rig.taken(READING)] == ["other"]


async def test_a_device_disabled_while_its_readings_are_stored_is_not_shown(rig):
    await rig.send(1)
    gate = rig.store.writer.fault = Gate()
    task = asyncio.ensure_future(rig.path.ingest(rig.batch(rig.reading(2, 1))))
    await gate.reached()
    series = rig.series()
    series.entity = structs.replace(series.entity, disabled_by="user")
    gate.opened.set()
    await task
    await rig.applied()

    assert rig.state().state == "1"


async def test_an_entity_that_is_disabled_by_its_plugin_keeps_no_readings(rig):
    result = await rig.send(1, info=EntityInfo(name="Uptime", enabled=False))

    assert result.stored == 0
    assert rig.series().entity.disabled_by == "integration"


async def test_a_discovered_device_waits_for_the_user(rig):
    info = DeviceInfo(key=DeviceKey("farm", "stranger"), name="Stranger")

    for _ in range(2):
        rig.path.discover(info)
        await rig.committed()

    [event] = rig.taken("device_discovered")
    assert (event.name, event.accepted) == ("Stranger", False)
    result = await rig.ingest(rig.reading(1, device=info.key))
    assert result.stored == 0
    await rig.reopen()
    assert rig.registry.devices[info.key].record.disabled_by == "discovery"


async def test_a_discovery_that_can_not_be_stored_is_told_when_it_can(rig, caplog):
    info = DeviceInfo(key=DeviceKey("farm", "stranger"))
    rig.store.writer.fault = full
    rig.path.discover(info)
    for _ in range(3000):
        await asyncio.sleep(0.001)
        if "could not be stored" in caplog.text:
            break
    await recover(rig)
    assert rig.taken() == []

    rig.path.discover(info)
    await rig.committed()

    assert len(rig.taken("device_discovered")) == 1


# -- after a start --------------------------------------------------------------------------------


async def test_after_a_start_states_come_back_with_their_times_and_nothing_fires(rig):
    await rig.send(21.5, -120)
    await rig.clock.advance(60)
    await rig.send(21.5, -5)
    before, newest = rig.state(), rig.at(-5)
    await rig.clock.advance(3600)

    await rig.reopen()

    state = rig.state()
    assert state.state == "21.5"
    assert state.attributes == {**before.attributes, "restored": True}
    assert state.last_changed == before.last_changed
    assert state.last_updated == newest
    assert state.last_reported == before.last_reported
    assert rig.taken() == []


async def test_after_a_start_the_same_again_is_still_the_same_again(rig):
    reading = rig.reading(21.5)
    await rig.ingest(reading)
    await rig.reopen()

    result = await rig.ingest(reading)

    assert result.duplicate == 1
    assert rig.taken() == []
    assert rig.state().attributes["restored"] is True


async def test_after_a_start_the_first_reading_ends_restored(rig):
    await rig.send(21.5)
    await rig.reopen()

    await rig.send(21.5, 1)

    assert "restored" not in rig.state().attributes
    assert rig.state().last_changed == rig.at()


async def test_a_device_without_readings_since_keeps_its_series_after_a_start(rig):
    await rig.send(1)
    number = rig.series().entity.series
    await rig.reopen()
    await rig.reopen()

    await rig.send(2, 1)

    assert rig.series().entity.series == number
    assert [row[2] for row in await rig.rows()] == [1, 2]
    await rig.send(1, key="new", info=None)
    assert rig.series("new").entity.series == number + 1


async def test_a_disabled_entity_has_no_state_after_a_start(rig):
    await rig.send(1)
    series = rig.series()
    series.entity = structs.replace(series.entity, disabled_by="user")
    batch = Batch(received=rig.clock.now())
    prepared = rig.path._preparer.start(batch)
    prepared.write.records.extend(rig.registry.entity_records(series))
    await rig.store.writer.submit(prepared.write)

    await rig.reopen()

    assert len(rig.states) == 0


async def test_latest_rows_that_could_not_be_written_are_written_next_time(rig):
    await rig.send(1)
    rows = rig.path.take_latest()
    assert rig.path.take_latest() == []

    rig.path.give_back_latest([*rows, (999, 0, 1, None, 0, 0)])

    assert rig.path.take_latest() == rows


async def test_a_series_without_its_record_is_left_out_after_a_start(rig):
    rig.path.restore([(999, to_us(rig.at()), 1, None, 0, 0)])

    assert len(rig.states) == 0

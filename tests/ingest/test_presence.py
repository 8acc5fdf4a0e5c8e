import asyncio
import datetime as dt
import errno
import json

import pytest

from hub.ingest.presence import HYSTERESIS_US, RETRY_US
from hub.model import DeviceInfo, DeviceKey, GatewayInfo, GatewayKey
from hub.registry.registry import DEVICE, GATEWAY

ONLINE = "gateway_online"
OFFLINE = "gateway_offline"
CHANGED = "state_changed"
MINUTE = 60


async def pass_time(rig, seconds):
    """Let time pass as the hub does: with a look now and then."""
    await rig.clock.advance(seconds)
    rig.path.presence.look()
    rig.events[:] = [e for e in rig.events if e.type != "gateway_heartbeat"]


# -- gateways -------------------------------------------------------------------------------------


async def test_a_gateway_is_online_from_its_first_message_on(rig):
    switched = []
    rig.path.presence.switched = lambda key, is_on, _context: switched.append((key, is_on))

    for _ in range(2):
        await rig.ingest(gateways=(rig.heard(60, name="Gate"),))

    assert rig.path.presence.is_online(rig.gateway)
    assert not rig.path.presence.is_online(GatewayKey("farm", "other"))
    [event] = rig.taken(ONLINE)
    assert (event.plugin, event.gateway, event.name) == ("farm", "gate", "Gate")
    assert switched == [(rig.gateway, True)]


async def test_a_gateway_is_offline_when_the_time_it_gave_is_over(rig):
    await rig.ingest(gateways=(rig.heard(90),))
    rig.taken()

    await pass_time(rig, 89)
    assert rig.taken() == []
    await pass_time(rig, 1)

    [event] = rig.taken(OFFLINE)
    assert event.last_seen_us == rig.clock.now_us() - 90_000_000
    assert not rig.path.presence.is_online(rig.gateway)
    await pass_time(rig, 1000)
    assert rig.taken() == []


async def test_a_gateway_that_comes_back_is_online_again(rig):
    await rig.ingest(gateways=(rig.heard(90),))
    await pass_time(rig, 90)
    rig.taken()

    await rig.ingest(gateways=(rig.heard(90),))
    await pass_time(rig, 90)

    assert [e.type for e in rig.taken()] == [ONLINE, OFFLINE]


async def test_each_message_moves_the_moment_on(rig):
    for _ in range(5):
        await rig.ingest(gateways=(rig.heard(90),))
        await pass_time(rig, 60)

    assert [e.type for e in rig.taken(ONLINE, OFFLINE)] == [ONLINE]
    await pass_time(rig, 30)
    assert len(rig.taken(OFFLINE)) == 1


async def test_a_gateway_that_now_promises_less_is_missed_sooner(rig):
    await rig.ingest(gateways=(rig.heard(9000),))
    await rig.ingest(gateways=(rig.heard(90),))
    rig.taken()

    await pass_time(rig, 90)
    assert len(rig.taken(OFFLINE)) == 1
    await pass_time(rig, 9000)
    assert rig.taken() == []


async def test_without_a_word_from_it_a_gateway_has_a_quarter_of_an_hour(rig):
    await rig.ingest(gateways=(rig.heard(),))
    rig.taken()

    await pass_time(rig, 15 * MINUTE - 1)
    assert rig.taken() == []
    await pass_time(rig, 1)

    assert len(rig.taken(OFFLINE)) == 1


async def test_a_gateway_has_three_times_its_usual_gap(rig):
    for gap in (600, 600, 5, 600, 3000, 600):
        await rig.ingest(gateways=(rig.heard(),))
        await rig.clock.advance(gap)
    await rig.ingest(gateways=(rig.heard(),))
    rig.taken()

    await pass_time(rig, 1799)
    assert rig.taken() == []
    await pass_time(rig, 1)

    assert len(rig.taken(OFFLINE)) == 1


async def test_after_a_start_a_gateway_is_offline_until_it_is_heard(rig):
    await rig.ingest(gateways=(rig.heard(90),))
    await rig.reopen()

    assert not rig.path.presence.is_online(rig.gateway)
    assert rig.gateway in rig.registry.gateways
    assert rig.taken() == []
    await rig.ingest(gateways=(rig.heard(90),))
    assert len(rig.taken(ONLINE)) == 1


async def known(rig, seconds=None):
    """Let a gateway be known from before a start."""
    await rig.ingest(gateways=(rig.heard(seconds),))
    await rig.committed()
    await rig.reopen()


@pytest.mark.parametrize(("promised", "patience"), [(90, 90), (None, 15 * MINUTE)])
async def test_a_gateway_that_stays_silent_after_a_start_is_offline_once_its_time_is_over(
    rig, promised, patience
):
    await known(rig, promised)
    await pass_time(rig, patience - 1)
    assert rig.taken() == []

    await pass_time(rig, 1)
    [event] = rig.taken(OFFLINE)
    assert event.last_seen_us == rig.clock.now_us() - patience * 1_000_000
    await pass_time(rig, 10_000)
    assert rig.taken(OFFLINE) == []


async def test_a_gateway_that_is_heard_after_a_start_is_not_missed(rig):
    await known(rig, 90)
    await pass_time(rig, 60)
    await rig.ingest(gateways=(rig.heard(90),))
    await pass_time(rig, 60)

    assert [e.type for e in rig.taken(ONLINE, OFFLINE)] == [ONLINE]
    await pass_time(rig, 30)
    assert len(rig.taken(OFFLINE)) == 1


async def test_a_gateway_that_was_offline_before_a_start_is_not_announced_once_more(rig):
    await rig.ingest(gateways=(rig.heard(90),))
    await pass_time(rig, 90)
    await rig.committed()
    await rig.reopen()

    await pass_time(rig, 90)

    assert rig.taken() == []
    await rig.ingest(gateways=(rig.heard(90),))
    assert len(rig.taken(ONLINE)) == 1


async def test_a_group_is_awaited_after_a_start_too(rig):
    group = GatewayInfo(key=rig.gateway, is_group=True)
    await rig.ingest(gateways=(group,))
    await rig.reopen()

    await pass_time(rig, 15 * MINUTE)

    [event] = rig.taken(OFFLINE)
    assert event.last_seen_us == 0


async def test_what_a_gateway_promises_is_written_when_it_changes(rig):
    written = []
    for seconds in (60, 60, 62, 90, None):
        await rig.ingest(gateways=(rig.heard(seconds),))
        await rig.committed()
        written.append(json.loads((await rig.records(GATEWAY))["farm/gate"])["offline_after_us"])

    assert written == [60_000_000, 60_000_000, 60_000_000, 90_000_000, 90_000_000]
    await rig.reopen()
    assert rig.registry.gateways[rig.gateway].offline_after_us == 90_000_000


# -- devices --------------------------------------------------------------------------------------


async def test_a_stale_device_becomes_unavailable_with_a_gap_in_history(rig):
    await rig.ingest(rig.reading(21.5), rig.reading(1, key="b", info=None), devices=(rig.told(60),))
    rig.taken()

    await pass_time(rig, 179)
    assert rig.taken() == []
    await pass_time(rig, 1)
    await rig.committed()

    assert (rig.state().state, rig.state("b").state) == ("unavailable", "unavailable")
    assert await rig.rows() == [(0, 0, 21.5), (180, 0, None)]
    assert len(rig.taken(CHANGED)) == 2
    assert not rig.registry.devices[rig.device].is_available
    await pass_time(rig, 1000)
    assert rig.taken() == []


async def test_a_device_that_comes_back_has_its_value_and_the_change_is_told(rig):
    await rig.ingest(rig.reading(21.5), devices=(rig.told(60),))
    await pass_time(rig, 180)
    await rig.committed()
    rig.taken()

    # Measured before the hub gave it up, received only now.
    await rig.ingest(rig.reading(22.5, -30), devices=(rig.told(60),))

    [change] = rig.taken(CHANGED)
    assert (change.old_state.state, change.new_state.state) == ("unavailable", "22.5")
    assert rig.registry.devices[rig.device].is_available


async def test_an_old_reading_told_again_does_not_bring_a_stale_device_back(rig):
    reading = rig.reading(21.5)
    await rig.ingest(reading, devices=(rig.told(60),))
    await pass_time(rig, 180)
    await rig.committed()

    await rig.ingest(reading)

    assert rig.state().state == "unavailable"


async def test_a_device_without_an_interval_is_never_stale(rig):
    await rig.ingest(rig.reading(21.5), devices=(rig.told(),))

    await pass_time(rig, 10 * 86_400)

    assert rig.state().state == "21.5"


async def test_readings_move_the_moment_on(rig):
    for n in range(5):
        await rig.ingest(rig.reading(n), devices=(rig.told(60),))
        await pass_time(rig, 120)

    await rig.committed()
    assert rig.state().state == "4"


async def test_a_stale_device_stays_unavailable_over_a_start(rig):
    await rig.ingest(rig.reading(21.5), devices=(rig.told(60),))
    await pass_time(rig, 180)
    await rig.committed()
    gone = rig.state()

    await rig.reopen()

    state = rig.state()
    assert state.state == "unavailable"
    assert state.last_changed == gone.last_changed
    await rig.ingest(rig.reading(22.5, -30), devices=(rig.told(60),))
    assert rig.state().state == "22.5"


async def test_a_device_that_stays_silent_after_a_start_becomes_unavailable(rig):
    await rig.ingest(rig.reading(21.5), devices=(rig.told(60),))
    await rig.clock.advance(1000)
    await rig.reopen()

    # The hub was deaf while it was down: the device has its whole time once more.
    await pass_time(rig, 179)
    await rig.committed()
    assert (rig.state().state, rig.taken()) == ("21.5", [])
    await pass_time(rig, 1)
    await rig.committed()

    assert rig.state().state == "unavailable"
    assert await rig.rows() == [(0, 0, 21.5), (1180, 0, None)]


async def test_a_device_that_is_heard_after_a_start_stays(rig):
    await rig.ingest(rig.reading(21.5), devices=(rig.told(60),))
    await rig.reopen()
    await pass_time(rig, 170)
    await rig.ingest(rig.reading(22.5), devices=(rig.told(),))
    await pass_time(rig, 170)
    await rig.committed()

    assert rig.state().state == "22.5"


async def test_how_often_a_device_sends_is_written_when_it_changes(rig):
    stored = []
    for seconds in (60, 60, 62, 90, None):
        await rig.ingest(devices=(rig.told(seconds),))
        await rig.committed()
        stored.append(json.loads((await rig.records(DEVICE))["farm/logger"])["interval_us"])
        if seconds:
            assert rig.registry.devices[rig.device].interval_us == seconds * 1_000_000

    assert stored == [60_000_000, 60_000_000, 60_000_000, 90_000_000, 90_000_000]


async def test_many_that_fall_silent_at_once_are_missed_a_few_at_a_time(rig):
    keys = [DeviceKey("farm", str(n)) for n in range(150)]
    await rig.ingest(
        *[rig.reading(1, device=key) for key in keys],
        devices=[DeviceInfo(key=key, interval=dt.timedelta(minutes=1)) for key in keys],
    )
    await rig.clock.advance(180)

    assert rig.path.presence.look()
    assert sum(not rig.registry.devices[key].is_available for key in keys) == 100
    assert not rig.path.presence.look()
    await rig.committed()

    assert {state.state for state in rig.states.all()} == {"unavailable"}


@pytest.mark.parametrize("is_refused", [True, False])
async def test_a_gap_that_can_not_be_stored_is_tried_again(rig, caplog, is_refused):
    await rig.ingest(rig.reading(21.5), devices=(rig.told(60),))
    writer = rig.store.writer
    if is_refused:
        writer._is_open = False
    else:

        def full(_place):
            raise OSError(errno.ENOSPC, "no space left")

        writer.fault = full
    await pass_time(rig, 180)
    if is_refused:
        writer._is_open = True
    else:
        for _ in range(3000):
            await rig.clock.settle()
            if "could not be stored" in caplog.text:
                break
            await asyncio.sleep(0.001)
        writer.fault = None
    await rig.committed()
    assert "could not be stored" in caplog.text
    assert rig.state().state == "21.5"

    await pass_time(rig, RETRY_US / 1e6)
    await rig.committed()

    assert rig.state().state == "unavailable"


async def test_one_device_whose_gap_fails_does_not_keep_others_from_being_missed(rig):
    await rig.ingest(rig.reading(21.5), devices=(rig.told(60),), gateways=(rig.heard(200),))
    rig.taken()
    rig.store.writer._is_open = False

    await pass_time(rig, 200)
    rig.store.writer._is_open = True

    assert len(rig.taken(OFFLINE)) == 1


# -- who hears a device best ----------------------------------------------------------------------


def heard_by(rig, gateway, signal):
    return DeviceInfo(key=rig.device, gateway=GatewayKey("farm", gateway), signal=signal)


async def hear(rig, gateway, signal):
    await rig.ingest(devices=(heard_by(rig, gateway, signal),))
    return rig.registry.devices[rig.device].heard_by.uid


async def test_a_device_stays_with_its_gateway_unless_another_is_clearly_better(rig):
    assert await hear(rig, "a", -80) == "a"
    assert await hear(rig, "b", -71) == "a"
    assert await hear(rig, "b", -69) == "b"
    assert await hear(rig, "a", None) == "b"


async def test_a_signal_of_zero_is_a_strong_one(rig):
    assert await hear(rig, "a", 0.0) == "a"
    assert await hear(rig, "b", -80) == "a"


async def test_a_device_changes_over_when_its_gateway_has_been_deaf_for_long(rig):
    await hear(rig, "a", -60)
    await rig.clock.advance(HYSTERESIS_US / 1e6)
    assert await hear(rig, "b", -90) == "a"
    await rig.clock.advance(1)

    assert await hear(rig, "b", -90) == "b"


async def test_who_hears_a_device_is_kept_in_memory_only(rig):
    await hear(rig, "a", -80)
    before = rig.store.writer.counters.row_count

    await hear(rig, "b", -40)

    assert rig.store.writer.counters.row_count == before
    assert rig.registry.devices[rig.device].record.gateway.uid == "a"


async def test_how_often_a_device_sends_may_change(rig):
    await rig.ingest(rig.reading(1), devices=(rig.told(600),))
    await rig.ingest(rig.reading(2, 1), devices=(rig.told(60),))

    await rig.clock.advance(180)
    rig.path.presence.look()
    await rig.committed()

    assert rig.state().state == "unavailable"
    assert rig.registry.devices[rig.device].interval_us == dt.timedelta(minutes=1) / dt.timedelta(
        microseconds=1
    )

"""What happens by the clock."""

import datetime as dt

import pytest

from hub.app import upkeep
from hub.app.core import Core
from hub.config.settings import Settings
from hub.errors import StorageBusy
from hub.model import Batch, DeviceInfo, DeviceKey, Reading
from hub.testing.clock import ManualClock

NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)
LOGGER = DeviceKey("farm", "logger")
DAY = 86_400


@pytest.fixture
async def core(tmp_path):
    core = Core(tmp_path, Settings(), ManualClock(NOW))
    await core.open()
    yield core
    await core.close()


async def settle(core):
    while not core.ingest.applier.is_idle:
        await core.clock.settle()


async def test_deleted_entities_are_forgotten_again_and_again(core, caplog, monkeypatch):
    monkeypatch.setattr(upkeep, "DELETED_SECONDS", 10)  # a day has very many seconds
    calls = []

    async def forget():
        calls.append((core.clock.now() - NOW).total_seconds())
        if len(calls) == 2:
            raise StorageBusy("the disk rests")
        return 0

    keep = upkeep.Upkeep(core.ingest, core.store, core.clock, forget)
    keep.start()
    await core.clock.advance(35)
    await keep.stop()

    assert calls == [0, 10, 20, 30]
    assert "the disk rests" in caplog.text


async def test_many_silent_devices_are_missed_within_moments(core):
    keys = [DeviceKey("farm", str(number)) for number in range(250)]
    await core.ingest.ingest(
        Batch(
            received=NOW,
            readings=[Reading(key, "a", 1, NOW) for key in keys],
            devices=[DeviceInfo(key=key, interval=dt.timedelta(seconds=10)) for key in keys],
        )
    )
    await settle(core)
    keep = upkeep.Upkeep(core.ingest, core.store, core.clock, core.forget_deleted)
    keep.start()

    await core.clock.advance(31.5)
    await keep.stop()

    assert not any(core.registry.devices[key].is_available for key in keys)


async def test_an_entity_that_was_deleted_long_ago_is_really_forgotten(core):
    await core.ingest.ingest(
        Batch(
            received=NOW,
            readings=[Reading(LOGGER, key, 1, NOW) for key in "ab"],
            devices=[DeviceInfo(key=LOGGER, name="Logger")],
        )
    )
    await settle(core)
    for entity in list(core.registry.entities()):
        await core.changes.remove_entity(entity.entity_id)
    await core.clock.advance(31 * DAY)

    assert await core.forget_deleted() == 1

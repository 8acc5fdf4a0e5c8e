"""The hub without its listeners, opened on folders in all sorts of states."""

import datetime as dt
import sqlite3

import pytest
from msgspec import structs

from hub.app.core import Core
from hub.app.misfits import Misfits
from hub.app.notices import Notices
from hub.bus import Bus
from hub.config.settings import Settings
from hub.errors import NewerSchema
from hub.model import Batch, DeviceKey, Reading
from hub.registry.entries import DeviceEntry, Series
from hub.registry.records import Device, Entity, EntityInfo
from hub.testing.clock import ManualClock

NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)
LOGGER = DeviceKey("farm", "logger")


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
async def core(tmp_path, clock):
    core = Core(tmp_path, Settings(), clock)
    await core.open()
    yield core
    await core.close()


async def test_a_folder_of_a_newer_hub_is_left_as_it_was(tmp_path, clock):
    database = sqlite3.connect(tmp_path / "fieldhub.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    (tmp_path / "hub.lock").touch()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".lock"}
    core = Core(tmp_path, Settings(), clock)

    with pytest.raises(NewerSchema):
        await core.open()

    found = {path: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".lock"}
    assert found == before
    core.lock.take()  # it has let go of the folder
    core.lock.release()


async def test_a_restore_that_was_cut_short_is_finished_first(tmp_path, clock, caplog):
    fresh = tmp_path / ".restore" / "new"
    fresh.mkdir(parents=True)
    (fresh / "automations.yaml").write_text("[]")
    (fresh.parent / "moves.json").write_text('["old.yaml"]')
    (tmp_path / "old.yaml").touch()
    core = Core(tmp_path, Settings(), clock)

    await core.open()
    await core.close()

    assert (tmp_path / "automations.yaml").read_text() == "[]"
    assert not (tmp_path / "old.yaml").exists()
    assert not (tmp_path / ".restore").exists()
    assert "a restore was finished" in caplog.text


# -- values that don't fit ------------------------------------------------------------------------


async def test_a_value_of_another_kind_is_told_to_the_user_once(core):
    for number, value in enumerate([21.5, "broken", "broken", ["again"], 22.5, "broken"]):
        at = NOW + dt.timedelta(microseconds=number)
        await core.ingest.ingest(
            Batch(received=NOW, readings=[Reading(LOGGER, "temperature", value, at)])
        )
    while not core.ingest.applier.is_idle:
        await core.clock.settle()

    [notice] = core.notices.all()
    assert notice.message.startswith("sensor.logger_temperature: a text for a numeric entity. ")
    assert core.states.get("sensor.logger_temperature").state == "unknown"


def series_of(number, **facts):
    record = Device(id="x", key=LOGGER, name="Logger")
    entity = Entity(
        series=number, device=LOGGER, key="k", entity_id=f"sensor.x{number}", info=EntityInfo()
    )
    return Series(
        DeviceEntry(record, is_stored=True), structs.replace(entity, **facts), is_stored=True
    )


@pytest.mark.parametrize(
    ("value", "is_numeric", "said"),
    [
        ("ajar", False, "a text for an on/off entity"),
        ([], True, "a list for a numeric entity"),
        ({}, True, "an object for a numeric entity"),
        (10**300, True, "a number out of range for a numeric entity"),
    ],
)
def test_the_kind_of_a_misfit_is_named_and_its_value_is_not(clock, value, is_numeric, said):
    notices = Notices(Bus(), clock)

    Misfits(notices)(series_of(1, is_numeric=is_numeric), value)

    [notice] = notices.all()
    assert notice.message.startswith(f"sensor.x1: {said}. ")
    assert str(value) not in notice.message or value in ([], {})


def test_very_many_misfits_leave_room_for_other_problems(clock):
    notices = Notices(Bus(), clock)
    misfits = Misfits(notices)

    for number in range(1000):
        misfits(series_of(number), "x")

    assert len(notices.all()) == 50

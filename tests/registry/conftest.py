import datetime as dt

import pytest

from hub.bus import Bus
from hub.clock import UTC, to_us
from hub.ingest import Ingest
from hub.model import Batch, DeviceInfo, DeviceKey, EntityInfo, GatewayInfo, GatewayKey, Reading
from hub.registry.areas import Areas, Labels
from hub.registry.changes import Changes
from hub.registry.registry import DELETED, DEVICE, ENTITY, GATEWAY, Registry
from hub.states import States
from hub.storage.documents import Documents
from hub.storage.store import Store, StoreSettings
from hub.storage.writes import WriteBatch
from hub.testing.clock import ManualClock

NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
INFO = EntityInfo(name="Temperature", unit="°C")


class House:
    """Registry, states and stores as the hub wires them, with one logger that sends."""

    key = DeviceKey("farm", "logger")

    def __init__(self, folder, clock):
        self.folder = folder
        self.clock = clock
        self.events = []

    async def open(self):
        self.store = Store(self.folder, self.clock, StoreSettings(reserve_bytes=4096))
        await self.store.open()
        self.documents = await Documents.open(self.folder, clock=self.clock)
        self.bus = Bus()
        self.states = States(self.bus, self.clock)
        self.registry = Registry()
        self.path = Ingest(self.registry, self.states, self.bus, self.clock, self.store.writer)
        self.store.writer.on_committed = self.path.committed
        self.store.writer.on_failed = self.path.failed
        self.areas = Areas(self.documents.table("areas"), self.bus, self.clock)
        self.labels = Labels(self.documents.table("labels"), self.bus, self.clock)
        self.changes = Changes(
            self.registry,
            self.states,
            self.bus,
            self.clock,
            self.write,
            areas=self.areas,
            labels=self.labels,
        )
        self.areas.on_delete = self.changes.forget_area
        self.labels.on_delete = self.changes.forget_label
        kinds = [await self.store.records.all(k) for k in (GATEWAY, DEVICE, ENTITY, DELETED)]
        self.registry.load(*[[body for _, body in records] for records in kinds])
        self.path.restore(await self.store.load_latest())
        self.events.clear()
        self.bus.subscribe("*", self.events.append, owner="test")
        return self

    async def write(self, records):
        batch = WriteBatch()
        batch.records.extend(records)
        await self.store.writer.submit(batch)

    async def close(self):
        self.store.writer.fault = None
        rows = self.path.take_latest()
        if rows:
            await self.store.writer.submit_latest(rows)
        await self.documents.close()
        assert await self.store.close()

    async def reopen(self):
        await self.close()
        return await self.open()

    async def send(self, value, seconds=0, *, keys=("t",), name="Cold store"):
        at = self.clock.now() + dt.timedelta(seconds=seconds)
        device = DeviceInfo(key=self.key, name=name, gateway=GatewayKey("farm", "gate"))
        batch = Batch(
            received=self.clock.now(),
            readings=[Reading(self.key, key, value, at, INFO) for key in keys],
            devices=[device],
            # A group has no entities of its own, so that the logger's are all there are.
            gateways=(GatewayInfo(key=GatewayKey("farm", "gate"), is_group=True),),
        )
        await self.path.ingest(batch)
        await self.clock.settle()

    @property
    def device_id(self):
        return self.registry.devices[self.key].record.id

    def taken(self, *types):
        found = [e for e in self.events if not types or e.type in types]
        self.events.clear()
        return found

    def now_us(self):
        return to_us(self.clock.now())


@pytest.fixture
async def house(tmp_path):
    house = await House(tmp_path, ManualClock(NOW)).open()
    await house.send(21.5)
    house.taken()
    yield house
    await house.close()

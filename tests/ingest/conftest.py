import asyncio
import datetime as dt

import pytest

from hub.bus import Bus
from hub.clock import UTC, to_us
from hub.ingest import Ingest
from hub.model import Batch, DeviceInfo, DeviceKey, EntityInfo, GatewayInfo, GatewayKey, Reading
from hub.registry.registry import DELETED, DEVICE, ENTITY, GATEWAY, Registry
from hub.states import States
from hub.storage.store import Store, StoreSettings
from hub.testing.clock import ManualClock

NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
TEMPERATURE = EntityInfo(
    name="Temperature", unit="°C", device_class="temperature", state_class="measurement"
)
BOTH = EntityInfo(name="Level", unit="cm", on_conflict="keep_both")
SIGNAL = EntityInfo(name="Signal", unit="dBm", category="diagnostic", record="sample")


class Rig:
    """The durable path with real storage, on a clock that the test moves."""

    device = DeviceKey("farm", "logger")
    gateway = GatewayKey("farm", "gate")

    def __init__(self, folder, clock):
        self.folder = folder
        self.clock = clock
        self.events = []

    async def open(self):
        self.store = Store(self.folder, self.clock, StoreSettings(reserve_bytes=4096))
        await self.store.open()
        self.bus = Bus()
        self.states = States(self.bus, self.clock)
        self.registry = Registry()
        self.path = Ingest(self.registry, self.states, self.bus, self.clock, self.store.writer)
        self.store.writer.on_committed = self.path.committed
        self.store.writer.on_failed = self.path.failed
        read = self.store.records.all
        self.registry.load(
            *[[body for _, body in await read(kind)] for kind in (GATEWAY, DEVICE, ENTITY, DELETED)]
        )
        self.path.restore(await self.store.load_latest())
        self.events.clear()
        self.bus.subscribe("*", self.events.append, owner="test")
        return self

    async def close(self):
        rows = self.path.take_latest()
        if rows:
            await self.store.writer.submit_latest(rows)
        assert await self.store.close()

    async def reopen(self):
        await self.close()
        return await self.open()

    # -- what a plugin does -----------------------------------------------------------------------

    def at(self, seconds=0):
        """Return a moment so many seconds from now."""
        return self.clock.now() + dt.timedelta(seconds=seconds)

    def reading(self, value, seconds=0, key="t", info=TEMPERATURE, device=None):
        at = seconds if isinstance(seconds, dt.datetime) else self.at(seconds)
        return Reading(device or self.device, key, value, at, info)

    def batch(self, *readings, **parts):
        return Batch(received=self.clock.now(), readings=list(readings), **parts)

    def told(self, seconds=None, **facts):
        interval = None if seconds is None else dt.timedelta(seconds=seconds)
        return DeviceInfo(key=self.device, interval=interval, **facts)

    def heard(self, seconds=None, **facts):
        after = None if seconds is None else dt.timedelta(seconds=seconds)
        return GatewayInfo(key=self.gateway, offline_after=after, **facts)

    async def ingest(self, *readings, **parts):
        result = await self.path.ingest(self.batch(*readings, **parts))
        await self.applied()
        return result

    async def send(self, value, seconds=0, **options):
        return await self.ingest(self.reading(value, seconds, **options))

    async def applied(self):
        for _ in range(10_000):
            await asyncio.sleep(0)
            if self.path.applier.is_idle:
                return
        raise AssertionError("never idle")

    async def committed(self):
        """Wait until all that was handed over is on disk and applied."""
        await self.store.writer.run(lambda _connection: None)
        await self.applied()

    # -- what came of it --------------------------------------------------------------------------

    def series(self, key="t", device=None):
        return self.registry.devices[device or self.device].series[key]

    def state(self, key="t"):
        return self.states.get(self.series(key).entity.entity_id)

    def taken(self, *types):
        """Return the wire types of what was published since the last call, of these types."""
        found = [e for e in self.events if not types or e.type in types]
        self.events.clear()
        return found

    async def rows(self, key="t"):
        """Return the stored rows as (seconds from the rig's start, seq, value)."""
        rows = await self.store.history.rows(self.series(key).entity.series)
        return [((row.at - to_us(NOW)) / 1e6, row.seq, row.value) for row in rows]

    async def records(self, kind):
        return dict(await self.store.records.all(kind))


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
async def rig(tmp_path, clock):
    rig = await Rig(tmp_path, clock).open()
    yield rig
    rig.store.writer.fault = None
    await rig.close()


@pytest.fixture
def infos():
    return {"temperature": TEMPERATURE, "both": BOTH, "signal": SIGNAL}

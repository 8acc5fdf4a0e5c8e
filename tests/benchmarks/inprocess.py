"""Goals that need no socket: bus, states, in-process ingest, bytes on disk, memory."""

import asyncio
import datetime as dt
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

from hub import Batch, CustomEvent, DeviceInfo, DeviceKey, EntityInfo, Reading
from hub.app.core import Core
from hub.bus import Bus
from hub.clock import SystemClock
from hub.config import Settings
from hub.model import Context
from hub.states import States

INFO = EntityInfo(
    name="Temperature", unit="°C", device_class="temperature", state_class="measurement"
)


def rate(work: Callable[[int], None], count: int) -> float:
    """Return how often a second *work* does what it is asked to do *count* times."""
    began = time.perf_counter()
    work(count)
    return count / (time.perf_counter() - began)


def bus_rate(listeners: int) -> float:
    """Return events a second with so many listeners."""
    bus = Bus()
    context = Context()
    for _ in range(listeners):
        bus.subscribe("bench", _nothing, owner="bench")

    def fire(count: int) -> None:
        for number in range(count):
            bus.publish(CustomEvent("bench", {"number": number}, context=context))

    return rate(fire, 300_000 // (1 + listeners // 4))


def state_rate() -> float:
    """Return state changes a second, with a listener on the entity."""
    bus = Bus()
    states = States(bus, SystemClock())
    bus.subscribe("state_changed", _nothing, owner="bench", where={"entity_id": "sensor.bench"})
    context = Context()

    def change(count: int) -> None:
        for number in range(count):
            states.set("sensor.bench", str(number), context=context)

    return rate(change, 200_000)


def _nothing(_event: object) -> None:
    """Listen."""


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    with open("/proc/self/statm", encoding="utf-8") as file:  # noqa: PTH123 - procfs
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def devices(count: int, entities: int = 5) -> list[DeviceInfo]:
    """Make *count* entities' worth of devices."""
    return [
        DeviceInfo(key=DeviceKey("bench", f"{number:06d}"), name=f"Logger {number}")
        for number in range(count // entities)
    ]


async def one_round(
    core: Core, infos: list[DeviceInfo], entities: int, at: dt.datetime, *, under_way: int = 256
) -> None:
    """Send one message for each device, so many at a time."""
    waiting = iter(infos)

    async def send() -> None:
        for info in waiting:
            readings = [
                Reading(info.key, f"ch{n}", 20.5 + n + at.second / 10, at, INFO)
                for n in range(entities)
            ]
            await core.ingest.ingest(Batch(received=at, devices=[info], readings=readings))

    await asyncio.gather(*(send() for _ in range(under_way)))


async def ingest_rate(folder: Path, count: int, rounds: int = 3) -> tuple[float, Core]:
    """Return readings a second made durable in-process, with *count* entities known."""
    core = Core(folder, Settings(folder=folder))
    await core.open()
    infos = devices(count)
    base = core.clock.now() - dt.timedelta(seconds=200)
    await one_round(core, infos, 5, base)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    began = time.perf_counter()
    for number in range(rounds):
        await one_round(core, infos, 5, base + dt.timedelta(seconds=1 + number))
    return len(infos) * 5 * rounds / (time.perf_counter() - began), core


async def bytes_a_reading(folder: Path) -> float:
    """Return bytes on disk for each reading, index included: 300 entities, mixed values."""
    core = Core(folder, Settings(folder=folder))
    await core.open()
    infos = devices(300)
    base = core.clock.now() - dt.timedelta(seconds=250)
    before = 0
    total = 0
    for number in range(200):
        await one_round(core, infos, 5, base + dt.timedelta(seconds=number))
        total += 300
        if number == 0:
            before = await core.store.retention.used_bytes()
    after = await core.store.retention.used_bytes()
    await core.close()
    return (after - before) / (total - 300)

"""What the disk, the power and the kernel can do to the database."""

import asyncio
import contextlib
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hub.errors import StorageBusy, StorageError, StorageFull
from hub.storage.store import Store, StoreSettings
from hub.storage.writes import DAY_US, WriteBatch

TARGET = Path(__file__).with_name("kill_target.py")
ROOT = Path(__file__).parents[2]


async def run_and_kill(folder, generation, seconds):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(TARGET),
        str(folder),
        str(generation),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        first = await asyncio.wait_for(process.stdout.readline(), 20)
        await asyncio.sleep(seconds)
    finally:
        process.kill()
        rest, _ = await process.communicate()
    assert first.startswith(b"open"), first
    # The last line may be cut off where the process died.
    lines = rest.decode().split("\n")[:-1]
    return first.decode().split(), [line.split()[1:] for line in lines]


@pytest.mark.slow
async def test_what_was_acknowledged_survives_kill_9(tmp_path, clock):
    random_ = random.Random()  # noqa: S311 - the moment of the kill
    acknowledged = []
    for generation in range(5):
        opened, acks = await run_and_kill(tmp_path, generation, random_.uniform(0.05, 0.8))
        assert opened == ["open", str(generation > 0), "None"]
        acknowledged += acks
    assert len(acknowledged) > 50

    connection = sqlite3.connect(tmp_path / "fieldhub.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    rows = connection.execute("SELECT series, at, num FROM readings").fetchall()
    connection.close()
    stored = {(series, at): num for series, at, num in rows}
    assert len(stored) == len(rows)  # once
    for series, at, number in acknowledged:
        for n in range(3):
            assert stored[int(series), int(at) + n] == int(number)

    store = Store(tmp_path, clock)
    await store.open()
    for entry in await store.quarantine.list(limit=1000):
        assert len((await store.quarantine.take(entry.id))[1]) == entry.size
    await store.close()


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.decode()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def is_stored(store, batch):
    if batch.result is None:
        try:
            await store.writer.submit(batch)
        except StorageFull:
            return False
    return True


async def fill_disk(store, clock, *, series=10):
    """Store a minute of each series at a time until the disk is full; return what was accepted.

    A refusal alone says little: the log, cut short, gives some space back.
    """
    start = clock.now_us() - 40 * DAY_US
    accepted = 0
    while True:
        batch = WriteBatch()
        batch.fresh = [
            (s, start + (accepted * 20 + n) * 6_000_000, 0, n * 0.37, None, 500, 0)
            for n in range(20)
            for s in range(series)
        ]
        if not any([await is_stored(store, batch) for _ in range(3)]):
            return accepted * 20 * series
        accepted += 1


async def test_a_full_disk_refuses_and_heals_when_space_comes_back(small_disk, clock, row):
    filler = small_disk / "other.bin"
    filler.write_bytes(bytes(10 << 20))
    store = Store(small_disk, clock)
    await store.open()
    told = []
    store.writer.on_full = lambda: told.append(1)
    count = await fill_disk(store, clock)

    assert count > 10_000
    assert told
    assert not (small_disk / "reserve.bin").exists()
    for _ in range(3):
        with pytest.raises(StorageFull, match="no space"):
            await store.records.put("a", "b", b"{}")
    assert sum((await store.history.size_per_series()).values()) == count

    filler.unlink()
    await store.records.put("a", "b", b"{}")
    assert (small_disk / "reserve.bin").exists()
    assert not store.writer.counters.is_full
    assert await store.close()

    again = Store(small_disk, clock)
    assert not (await again.open()).was_unclean
    assert sum((await again.history.size_per_series()).values()) == count
    await again.close()


async def test_retention_runs_on_a_full_disk_and_writing_goes_on(small_disk, clock, row):
    store = Store(small_disk, clock)
    await store.open()
    count = await fill_disk(store, clock)
    store.retention.max_bytes = await store.retention.used_bytes() // 2
    done = await store.retention.run()

    assert done.row_count > count // 4
    assert (small_disk / "fieldhub.db").stat().st_size < 14 << 20
    await store.records.put("a", "b", b"{}")
    assert (small_disk / "reserve.bin").exists()
    await store.close()


async def test_a_full_disk_at_the_first_start_is_one_clear_error(small_disk, clock):
    with contextlib.suppress(OSError):
        (small_disk / "other.bin").write_bytes(bytes(64 << 20))
    store = Store(small_disk, clock)
    with pytest.raises(StorageError, match="no space"):
        await store.open()


async def test_memory_stays_bounded_while_the_writer_is_stalled(tmp_path, clock, row):
    store = Store(tmp_path, clock, StoreSettings(reserve_bytes=4096))
    await store.open()
    is_held = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(place):
        if place == "commit" and not is_held.is_set():
            loop.call_soon_threadsafe(is_held.set)
            asyncio.run_coroutine_threadsafe(asyncio.sleep(2.0), loop).result(30)

    store.writer.fault = hold
    futures = []
    refused = 0
    started = loop.time()
    slowest = 0.0
    while loop.time() - started < 1.6:
        batch = WriteBatch()
        batch.fresh = [row(1, len(futures) * 100 + n, n) for n in range(100)]
        try:
            futures.append(store.writer.submit(batch))
        except StorageBusy:
            refused += 1
        slowest = max(slowest, store.writer.counters.queued_row_count)
        await asyncio.sleep(0.0005)
    assert refused
    assert slowest <= 100_000
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert all(isinstance(r, StorageBusy) for r in results)
    await store.writer.checkpoint()  # comes after all that was handed over
    assert store.writer.counters.queued_row_count == 0
    assert await store.history.count(1) == len(futures) * 100
    await store.close()

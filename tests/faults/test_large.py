"""Very large messages: stored whole, in time, without holding the loop or the memory."""

import asyncio
import contextlib
import time

import msgspec
import pytest

from hub.app import App
from tests.benchmarks import program
from tests.benchmarks.inprocess import resident_bytes
from tests.benchmarks.load import TOKEN
from tests.faults.wire import eventually, port_of, post

LONGEST_BLOCK = 0.05
LONGEST_ANSWER = 5.0


class LoopWatch:
    """Runs in every turn of the loop and notes the longest turn.

    ``busy`` is the loop thread's own time on the processor, which other programs on the machine
    can't stretch; ``wall`` is what a clock on the wall saw.
    """

    def __init__(self) -> None:
        self.busy = 0.0
        self.wall = 0.0

    async def __aenter__(self) -> "LoopWatch":
        self._task = asyncio.get_running_loop().create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _watch(self) -> None:
        busy, wall = time.thread_time(), time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now_busy, now_wall = time.thread_time(), time.perf_counter()
            self.busy = max(self.busy, now_busy - busy)
            self.wall = max(self.wall, now_wall - wall)
            busy, wall = now_busy, now_wall


def backfill(entries: int, loggers: int = 40) -> bytes:
    """Make a message of *entries* entries of about 260 bytes each, two channels in each."""
    start = program.now()
    parts = []
    for number in range(entries):
        at = start.timestamp() - 180 * (entries // loggers - number // loggers)
        text = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
        parts.append(
            f'{{"serial":"282C02{number % loggers:06X}","response_handle":{number % loggers},'
            f'"battery":"ok","signal":-70,"measured_at":"{text}","measurement_interval":180,'
            f'"next_measurement_at":"{text}","params":['
            f'{{"channel":1,"type":"temperature","value":{number % 300 / 10},"status":"ok"}},'
            f'{{"channel":2,"type":"humidity","value":{number % 100},"status":"ok"}}]}}'
        )
    return ('{"measurements":[' + ",".join(parts) + "]}").encode()


@pytest.mark.timeout(120)
async def test_twenty_thousand_entries_in_one_body_are_stored_within_five_seconds(app: App):
    body = await asyncio.to_thread(backfill, 20_000)
    assert 4.5e6 < len(body) < 7e6

    async with LoopWatch() as watch:
        began = time.perf_counter()
        status, content = await post(app, body)
        took = time.perf_counter() - began
        await eventually(lambda: app.core.ingest.applier.is_idle)

    print(f"{took:.2f} s, longest turn {watch.busy * 1000:.0f} ms busy, {watch.wall * 1000:.0f} ms")
    assert status == 201
    answer = msgspec.json.decode(content)
    assert sorted(answer["Y"]) == list(range(40))
    assert answer["N"] == []
    measured = [entity for entity in app.core.registry.entities() if entity.info.category is None]
    counts = [await app.core.store.history.count(entity.series) for entity in measured]
    assert sum(counts) == 40_000
    assert watch.busy < LONGEST_BLOCK
    assert took < LONGEST_ANSWER


@pytest.mark.timeout(120)
async def test_a_body_of_64_mib_is_kept_whole_with_bounded_memory(app: App):
    body = b'{"measurements":[' + b" " * (64 * 2**20 - 19) + b"]}"
    before = resident_bytes()
    peak = 0

    async def watch_memory() -> None:
        nonlocal peak
        while True:
            peak = max(peak, resident_bytes())
            await asyncio.sleep(0.02)

    task = asyncio.get_running_loop().create_task(watch_memory())
    async with LoopWatch() as watch:
        status, content = await post(app, body)
    task.cancel()

    print(f"longest turn {watch.busy * 1000:.0f} ms, memory +{(peak - before) / 2**20:.0f} MiB")
    assert status == 201
    assert msgspec.json.decode(content) == {"Y": [], "N": []}
    assert app.core.store.quarantine.count == 1
    assert app.core.store.quarantine.byte_count >= len(body)
    assert watch.busy < LONGEST_BLOCK
    assert peak - before < 40 * 2**20


async def test_a_body_above_the_largest_is_told_to_come_back(app: App):
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(app))
    writer.write(
        b"POST /api/v4/measurements HTTP/1.1\r\nHost: hub\r\nX-Api-Token: %s\r\n"
        b"Content-Length: %d\r\n\r\n" % (TOKEN.encode(), 65 * 2**20)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()

    assert b" 503 " in head.split(b"\r\n")[0]
    assert app.core.store.quarantine.count == 0

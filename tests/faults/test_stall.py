"""The writer stalls: everybody is told to come back, memory stays bounded, nothing is lost."""

import asyncio
import threading
import time

from hub.app import App
from hub.storage.history import History
from tests.benchmarks import program
from tests.benchmarks.inprocess import resident_bytes
from tests.benchmarks.load import body
from tests.faults.wire import eventually, port_of, post

LONGEST_ANSWER = 2.5


async def test_a_stalled_writer_makes_gateways_wait_and_recovers_by_itself(app: App):
    start = program.now()
    go_on = threading.Event()
    app.core.store.writer.fault = lambda place: go_on.wait(30) if place == "commit" else None
    before = resident_bytes()

    waits: list[float] = []
    statuses: list[int] = []

    async def send(number: int) -> None:
        for turn in range(3):
            began = time.perf_counter()
            status, _ = await post(app, body(number, turn, start))
            waits.append(time.perf_counter() - began)
            statuses.append(status)

    await asyncio.gather(*(send(number) for number in range(100)))
    refused, grown = statuses.copy(), resident_bytes() - before
    health = await _health(app)
    go_on.set()
    app.core.store.writer.fault = None
    await eventually(lambda: not app.core.store.writer.is_stalled)
    again = [await post(app, body(number, 0, start)) for number in range(100)]

    assert set(refused) == {503}
    assert max(waits) < LONGEST_ANSWER
    assert health == 503
    assert grown < 64 * 2**20
    assert {status for status, _ in again} == {201}
    assert await _counts(app.core.store.history, app) == {1}


async def _health(app: App) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(app))
    writer.write(b"GET /api/hub/health HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer[9:12])


async def _counts(history: History, app: App) -> set[int]:
    """Return how many readings the series have of the first turn's moment."""
    found = set()
    for entity in app.core.registry.entities():
        if entity.info.category is None:
            at = round(program.now().timestamp() * 1_000_000)
            rows = await history.rows(entity.series, at - 60_000_000, at + 60_000_000)
            found.add(len([row for row in rows if row.seq == 0 and row.at == rows[0].at]))
    return found

"""Stores readings as fast as it can and prints the key of each that was acknowledged."""

import asyncio
import os
import sys
from pathlib import Path

from hub.clock import SystemClock
from hub.storage.store import Store
from hub.storage.writes import HOUR_US, QuarantineItem, WriteBatch


async def main(folder: Path, generation: int) -> None:
    clock = SystemClock()
    store = Store(folder, clock)
    report = await store.open()
    os.write(1, f"open {report.was_unclean} {report.problem}\n".encode())
    count = 0

    async def client(series: int) -> None:
        nonlocal count
        while True:
            count += 1
            number = count
            at = clock.now_us()
            batch = WriteBatch()
            rows = [(series, at + n, 0, number, None, 5, 0) for n in range(3)]
            (batch.checked if number % 3 else batch.fresh).extend(rows)
            batch.dirty.append((series, at // HOUR_US))
            batch.records.append(("mark", f"{generation}-{series}", b"%d" % number))
            if number % 50 == 0:
                batch.quarantined.append(
                    QuarantineItem(
                        received=at,
                        plugin="p",
                        source="s",
                        reason="r",
                        body=b"x" * (2_000_000 if number % 500 == 0 else 10),
                    )
                )
            await store.writer.submit(batch)
            os.write(1, f"ack {series} {at} {number}\n".encode())

    async def background() -> None:
        while True:
            await store.rollups.run()
            await store.writer.submit_latest([(1, 5, 1, None, 5, 5)])
            await asyncio.sleep(0.01)

    await asyncio.gather(background(), *[client(generation * 100 + n) for n in range(16)])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))

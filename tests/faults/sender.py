"""A crowd of Efento gateways that remembers what was acknowledged."""

import asyncio
import contextlib
import datetime as dt
import sqlite3
from pathlib import Path

import msgspec

from tests.benchmarks.load import SITES, TOKEN, body


class Crowd:
    """Sends messages over many connections; ``acknowledged`` holds what got its 201."""

    def __init__(self, connections: int, start: dt.datetime) -> None:
        self.start = start
        self.turns = [0] * connections
        self.acknowledged: set[tuple[int, int]] = set()
        self.statuses: dict[int, int] = {}

    async def send(self, port: int, seconds: float | None = None) -> None:
        """Send until the hub is gone, or for *seconds*."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(self._one(port, n) for n in range(len(self.turns))))

    async def _one(self, port: int, connection: int) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        try:
            while True:
                turn = self.turns[connection]
                status = await self._post(reader, writer, body(connection, turn, self.start))
                self.statuses[status] = self.statuses.get(status, 0) + 1
                if status == 201:
                    # What was not acknowledged is sent again, as a gateway does.
                    self.acknowledged.add((connection, turn))
                    self.turns[connection] += 1
                else:
                    await asyncio.sleep(0.05)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    @staticmethod
    async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> int:
        writer.write(
            b"POST /api/v4/measurements HTTP/1.1\r\nHost: hub\r\nX-Api-Token: %s\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (TOKEN.encode(), len(data), data)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line[15:]))
        return int(head[9:12])

    def sent_keys(self) -> set[tuple[str, int]]:
        """Return (serial, microseconds) of every acknowledged entry."""
        found = set()
        for connection, turn in self.acknowledged:
            at = self.start + dt.timedelta(seconds=turn // SITES)
            base = (connection * SITES + turn % SITES) * 3
            for number in range(3):
                found.add((f"28{base + number:010X}", round(at.timestamp() * 1_000_000)))
        return found


def stored(folder: Path) -> dict[tuple[str, int], int]:
    """Count what lies in a stopped hub's database: (serial, microseconds) -> readings."""
    connection = sqlite3.connect(folder / "fieldhub.db")
    try:
        assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        of_series: dict[int, str] = {}
        diagnostic = set()
        for (text,) in connection.execute("SELECT body FROM records WHERE kind = 'entity'"):
            record = msgspec.json.decode(text)
            of_series[record["series"]] = record["device"][1]
            if record["info"].get("category"):
                diagnostic.add(record["series"])
        counts: dict[tuple[str, int], int] = {}
        for series, at in connection.execute("SELECT series, at FROM readings"):
            if series in of_series and series not in diagnostic:
                key = (of_series[series], at)
                counts[key] = counts.get(key, 0) + 1
        orphans = connection.execute("SELECT DISTINCT series FROM readings").fetchall()
        assert {row[0] for row in orphans} <= set(of_series)
    finally:
        connection.close()
    return counts


def missing(folder: Path, crowd: Crowd) -> list[tuple[str, int]]:
    """Return what was acknowledged and is not there as often as it was sent, which is once."""
    counts = stored(folder)
    # The first logger of three sends one value, the second two, the third three.
    sent = {key: int(key[0].removeprefix("28"), 16) % 3 + 1 for key in crowd.sent_keys()}
    return [key for key, count in sent.items() if counts.get(key, 0) != count]

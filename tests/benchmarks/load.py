"""A load generator: raw sockets, one request in flight a connection, real Efento messages.

Run as a program in a process of its own:
``python -m tests.benchmarks.load PORT CONNECTIONS SECONDS START TURN`` prints one JSON line with
the rate, the latencies and the turn to go on from. START is in seconds since 1970.
"""

import asyncio
import datetime as dt
import json
import sys
import time

_BODY = (
    '{{"measurements":['
    '{{"serial":"{a}","response_handle":1,"battery":"ok","signal":-70,"measured_at":"{at} UTC",'
    '"measurement_interval":180,"next_measurement_at":"{at} UTC","params":['
    '{{"channel":1,"type":"temperature","value":{x},"status":"ok"}}]}},'
    '{{"serial":"{b}","response_handle":2,"battery":"ok","signal":-70,"measured_at":"{at} UTC",'
    '"measurement_interval":180,"next_measurement_at":"{at} UTC","params":['
    '{{"channel":1,"type":"temperature","value":{y},"status":"ok"}},'
    '{{"channel":2,"type":"humidity","value":51,"status":"ok"}}]}},'
    '{{"serial":"{c}","response_handle":3,"battery":"ok","signal":-70,"measured_at":"{at} UTC",'
    '"measurement_interval":180,"next_measurement_at":"{at} UTC","params":['
    '{{"channel":1,"type":"temperature","value":{x},"status":"ok"}},'
    '{{"channel":2,"type":"humidity","value":30,"status":"ok"}},'
    '{{"channel":3,"type":"pressure_diff","value":21,"status":"ok"}}]}}]}}'
)
READINGS_A_MESSAGE = 6
TOKEN = "benchmark-token"
SITES = 50
"""Groups of three loggers a connection takes turns with."""
ALL_SITES = 1280
"""Groups that all connections of a load share."""


def body(connection: int, turn: int, start: dt.datetime, sites: int = SITES) -> bytes:
    """Make a message that nobody has sent before: each logger's clock goes on by a second."""
    site = turn % sites
    at = start + dt.timedelta(seconds=turn // sites)
    base = (connection * sites + site) * 3
    text = _BODY.format(
        a=f"28{base:010X}",
        b=f"28{base + 1:010X}",
        c=f"28{base + 2:010X}",
        at=at.strftime("%Y-%m-%d %H:%M:%S"),
        x=round(6 + (turn % 97) / 10, 1),
        y=round(12 + (turn % 89) / 10, 1),
    )
    return text.encode()


class Client(asyncio.Protocol):
    """One connection: the next request leaves when the answer to the last one is here."""

    def __init__(self, number: int, sites: int, start: dt.datetime, until: float) -> None:
        self.number = number
        self.sites = sites
        self.start = start
        self.until = until
        self.turn = 0
        self.latencies: list[float] = []
        self.bad: dict[str, int] = {}
        self.done = asyncio.get_running_loop().create_future()
        self.rest = b""
        self.sent = 0.0
        self.head = (
            "POST /api/v4/measurements HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/json\r\n"
            f"X-Api-Token: {TOKEN}\r\nContent-Length: "
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        if time.perf_counter() >= self.until:
            self.transport.close()
            return
        data = body(self.number, self.turn, self.start, self.sites)
        self.turn += 1
        self.sent = time.perf_counter()
        self.transport.write(b"%s%d\r\n\r\n%s" % (self.head, len(data), data))

    def data_received(self, data: bytes) -> None:
        self.rest += data
        end = self.rest.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.rest[:end]
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self.rest) < end + 4 + length:
            return
        self.rest = self.rest[end + 4 + length :]
        status = head[9:12].decode()
        if status in {"200", "201"}:
            self.latencies.append(time.perf_counter() - self.sent)
        else:
            self.bad[status] = self.bad.get(status, 0) + 1
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def run(
    port: int, connections: int, seconds: float, start: dt.datetime, turn: int
) -> dict[str, object]:
    """Send for *seconds* and return what came of it."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    until = began + seconds
    clients: list[Client] = []
    for number in range(connections):
        # Each size of load has loggers of its own, so that no two send the same reading.
        client = Client(connections * 100 + number, ALL_SITES // connections, start, until)
        client.turn = turn
        clients.append(client)
        await loop.create_connection(lambda c=client: c, "127.0.0.1", port)
    await asyncio.gather(*(client.done for client in clients))
    took = time.perf_counter() - began
    latencies = sorted(latency for client in clients for latency in client.latencies)
    bad: dict[str, int] = {}
    for client in clients:
        for status, count in client.bad.items():
            bad[status] = bad.get(status, 0) + count
    count = len(latencies)
    return {
        "rate": count / took,
        "count": count,
        "p50": latencies[count // 2] if count else None,
        "p99": latencies[int(count * 0.99)] if count else None,
        "bad": bad,
        "turn": max(client.turn for client in clients),
    }


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        runner = asyncio.run
    else:
        runner = uvloop.run
    since = dt.datetime.fromtimestamp(int(sys.argv[4]), dt.UTC)
    result = run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), since, int(sys.argv[5]))
    print(json.dumps(runner(result)))

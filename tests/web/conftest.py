import asyncio
import contextlib
import re

import aiohttp
import pytest
from attrs import field, frozen
from yarl import URL

from hub.clock import SystemClock
from hub.errors import Unauthorized
from hub.http import Response, Zone, json_response
from hub.web import api
from hub.web.auth import Bearer
from hub.web.counts import Counts
from hub.web.routing import RouteTable
from hub.web.server import Server


@frozen
class Answer:
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str] = field(factory=dict)
    body: bytes = b""


async def read_answer(reader, *, has_body=True):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.split("\r\n")
    headers = {}
    for line in lines[1:-2]:
        name, _, value = line.partition(": ")
        assert name not in headers, f"{name} twice"
        headers[name] = value
    body = b""
    if not has_body:
        pass
    elif "Transfer-Encoding" in headers:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    elif "Content-Length" in headers:
        body = await reader.readexactly(int(headers["Content-Length"]))
    elif headers.get("Connection") == "close":
        body = await reader.read()
    return Answer(int(lines[0].split(" ")[1]), headers, body)


class Wire:
    """A client without manners: writes bytes, reads answers."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, **options):
        async with asyncio.timeout(10):
            return await read_answer(self.reader, **options)

    async def ask(self, data, **options):
        await self.send(data)
        return await self.answer(**options)

    async def is_closed(self):
        async with asyncio.timeout(10):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True

    async def close(self):
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class Hub:
    """A server with what a test put on it."""

    def __init__(self, server, url):
        self.server, self.url = server, url
        self.port = int(re.search(r":(\d+)$", url)[1])
        self.counts = server.counts
        self._wires = []
        self.session = aiohttp.ClientSession()

    async def wire(self):
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.port))
        self._wires.append(wire)
        return wire

    async def ask(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(
            method,
            URL(self.url + path, encoded=True),
            data=body,
            headers=headers,
            allow_redirects=False,
        ) as reply:
            return Answer(reply.status, dict(reply.headers), await reply.read())

    async def until(self, is_so):
        async with asyncio.timeout(10):
            while not is_so():  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(0.01)

    async def at_rest(self):
        await self.until(lambda: not self.server.gate.in_flight)

    async def close(self):
        for wire in self._wires:
            await wire.close()
        await self.session.close()
        await self.server.stop(grace=0.2)


@pytest.fixture
def table():
    routes = RouteTable(Counts())
    routes.add("hub", zones=api.zones())
    return routes


@pytest.fixture
async def serve(table):
    """Return a function that serves routes of a plugin called barn."""
    running = []

    async def start(
        *routes, zones=(), tls=None, is_accepting=True, verify=lambda _: None, **options
    ):
        table.add("barn", routes, zones)
        options.setdefault("authenticate", Bearer(verify))
        server = Server(table, clock=SystemClock(), **options)
        urls = await server.listen("127.0.0.1", 0, tls=tls)
        if is_accepting:
            server.accept()
        hub = Hub(server, urls[0])
        running.append(hub)
        return hub

    yield start
    for hub in running:
        await hub.close()


def barn_problem(request, problem):
    """Speak a dialect that nobody takes for another one."""
    return json_response(problem.status, {"barn": problem.status, "says": problem.message})


def squeezed(path):
    return re.sub("/+", "/", path).rstrip("/")


@pytest.fixture
def barn_zone():
    return Zone(
        prefix="/api/v4", problem=barn_problem, normalise=squeezed, headers={"X-Barn": "yes"}
    )


@pytest.fixture
def echo():
    async def answer(request):
        return Response(201, request.body)

    return answer


@pytest.fixture
def token_t():
    def rule(request):
        assert request.body == b""
        if request.headers.get("X-Api-Token") != "t":
            raise Unauthorized("wrong token")
        return "gateway of the barn"

    return rule

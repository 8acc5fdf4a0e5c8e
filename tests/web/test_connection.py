import asyncio
import datetime as dt
import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.clock import SystemClock
from hub.http import Response, Route
from hub.web.connection import Connections, HttpServer
from hub.web.counts import Counts
from hub.web.gate import Limits

GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"


async def answer(request):
    return Response(200, b"fine")


@pytest.fixture
async def hub(serve):
    return await serve(
        Route("GET", "/x", answer, access="public"), Route("POST", "/x", answer, access="public")
    )


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /x HTTP/9.9\r\nHost: h\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: h\r\nX-Long: " + b"x" * 10_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: h\r\n" + b"X-Many: 1\r\n" * 2000 + b"\r\n",
        # Efento's page prints this as a header line of its own, without a colon.
        b"POST /x HTTP/1.1\r\nHost: h\r\ncharset=UTF-8\r\nContent-Length: 0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_counted_and_forgotten(hub, garbage, caplog):
    caplog.set_level(logging.INFO)
    wire = await hub.wire()

    reply = await wire.ask(garbage)

    assert (reply.status, reply.headers["Connection"]) == (400, "close")
    assert "message" in json.loads(reply.body)
    assert await wire.is_closed()
    assert hub.counts.bad_message_count == 1
    assert hub.counts.of("hub").statuses[400] == 1
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert (await (await hub.wire()).ask(GET)).status == 200


async def test_garbage_without_end_writes_one_log_line(hub, caplog):
    caplog.set_level(logging.INFO)

    for _ in range(20):
        await (await hub.wire()).ask(b"nonsense\r\n\r\n")

    assert hub.counts.bad_message_count == 20
    assert len(caplog.records) == 1


async def test_ten_thousand_bytes_of_sound_headers_are_fine(hub):
    headers = b"".join(b"X-Header-%d: %b\r\n" % (n, b"x" * 80) for n in range(100))
    assert len(headers) > 9_000

    reply = await (await hub.wire()).ask(b"GET /x HTTP/1.1\r\nHost: h\r\n" + headers + b"\r\n")

    assert reply.status == 200


async def test_requests_in_one_packet_are_answered_in_order(hub):
    wire = await hub.wire()
    post = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
    missing = b"GET /none HTTP/1.1\r\nHost: h\r\n\r\n"

    await wire.send((GET + post + missing) * 30)

    assert [(await wire.answer()).status for _ in range(90)] == [200, 200, 404] * 30


async def test_bytes_may_come_one_by_one(hub):
    wire = await hub.wire()

    for byte in b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}":
        await wire.send(bytes([byte]))

    assert (await wire.answer()).status == 200


async def test_the_client_says_whether_the_connection_stays(hub):
    wire = await hub.wire()
    assert "Connection" not in (await wire.ask(GET)).headers

    reply = await wire.ask(b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

    assert reply.headers["Connection"] == "close"
    assert await wire.is_closed()


async def test_an_old_client_keeps_its_connection_only_if_it_asks(hub):
    wire = await hub.wire()
    reply = await wire.ask(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert reply.headers["Connection"] == "keep-alive"

    reply = await wire.ask(b"GET /x HTTP/1.0\r\n\r\n")

    assert reply.headers["Connection"] == "close"
    assert await wire.is_closed()


async def test_a_silent_connection_is_closed(serve):
    hub = await serve(limits=Limits(idle=dt.timedelta(milliseconds=100)))
    silent, begun = await hub.wire(), await hub.wire()
    await begun.send(b"GET /x HT")

    assert await silent.is_closed()
    assert await begun.is_closed()


async def test_connections_above_the_limit_are_closed(serve):
    hub = await serve(
        Route("GET", "/x", answer, access="public"), limits=Limits(connection_count=2)
    )
    first, second = await hub.wire(), await hub.wire()
    assert (await first.ask(GET)).status == (await second.ask(GET)).status == 200

    assert await (await hub.wire()).is_closed()
    assert hub.counts.refused_connection_count == 1

    await first.close()
    await hub.until(lambda: hub.server.connection_count == 1)
    assert (await (await hub.wire()).ask(GET)).status == 200


async def test_a_declined_upgrade_is_an_ordinary_request(hub):
    wire = await hub.wire()

    reply = await wire.ask(
        b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )

    assert reply.status == 200
    assert (await wire.ask(GET)).status == 200


@pytest.mark.parametrize(
    "target",
    [
        b"*",
        b"http://other.example/x",
        b"http://",
        b"foo://bar:99999/",
        b"//",
        b"?",
        b"/%00%ff",
        b"h:1",
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"OPTIONS", b"CONNECT"])
async def test_targets_of_every_form_are_answered_or_refused(hub, method, target, caplog):
    wire = await hub.wire()

    try:
        reply = await wire.ask(b"%b %b HTTP/1.1\r\nHost: h\r\n\r\n" % (method, target))
    except asyncio.IncompleteReadError:
        pytest.fail("the connection was cut")

    assert reply.status in {200, 204, 400, 404, 405}
    assert "ERROR" not in caplog.text


async def broken(request):
    if request.path == "/late":
        await request.writer.write(b"HTTP/1.1 200 OK\r\n")
    raise KeyError


async def test_an_edge_that_fails_itself_is_told_and_closes(caplog):
    counts = Counts()
    http = HttpServer(broken, Connections(counts, SystemClock(), most=10), access_log=None)
    listener = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
    heads = []
    for path in (b"/x", b"/late"):
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
        writer.write(b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % path)
        heads.append((await reader.read()).partition(b"\r\n")[0])
        writer.close()
        await writer.wait_closed()
    listener.close()
    await http.close()

    assert heads == [b"HTTP/1.1 500 Internal Server Error", b"HTTP/1.1 200 OK"]
    assert counts.of("hub").statuses[500] == 1
    assert caplog.text.count("connection failed status=500") == 2


TOKEN = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]) | TOKEN
TARGETS = st.text(st.characters(codec="latin-1", exclude_categories=["Cc", "Z"]), max_size=40)
HEADERS = st.dictionaries(TOKEN, st.text(st.characters(codec="latin-1"), max_size=20), max_size=3)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(METHODS, TARGETS, HEADERS, st.binary(max_size=100), st.booleans())
async def test_no_request_whatever_gives_a_500_or_hurts_the_next(
    hub, method, target, headers, body, is_sized
):
    wire = await hub.wire()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    length = f"Content-Length: {len(body)}\r\n" if is_sized else ""
    head = f"{method} /{target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{length}{lines}\r\n"

    await wire.send(head.encode("latin-1") + body)
    wire.writer.write_eof()
    async with asyncio.timeout(10):
        try:
            raw = await wire.reader.read()
        except ConnectionError:
            raw = b""
    await wire.close()

    for line in raw.split(b"\r\n"):
        assert not line.startswith(b"HTTP/1.1 5")
    assert (await hub.ask("GET", "/x")).body == b"fine"


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300))
async def test_no_bytes_whatever_hurt_the_next_request(hub, data):
    wire = await hub.wire()
    await wire.send(data)
    await wire.close()

    assert (await hub.ask("GET", "/x")).body == b"fine"
    assert hub.counts.of("barn").failed_count == hub.counts.of("hub").failed_count == 0

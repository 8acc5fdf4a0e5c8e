import asyncio
import datetime as dt
import json
import logging

import pytest
from attrs import evolve

from hub.errors import Forbidden, StorageBusy, StorageError, StorageFull, WireError
from hub.http import Response, Route, Zone
from hub.web.gate import Limits
from hub.web.streaming import StreamedResponse


def post(handler, path="/api/v4/measurements", **options):
    return Route("POST", path, handler, **{"access": "public", **options})


async def test_a_handler_gets_all_there_is_to_know(serve, barn_zone, token_t):
    seen = []

    async def handler(request):
        seen.append(request)
        return Response(201, b"{}")

    hub = await serve(post(handler, "/api/v4/{kind}/{name}", access=token_t), zones=[barn_zone])

    path = "/api/v4//things/a%2Fb/?x=1&x=2&y="
    wire = await hub.wire()
    reply = await wire.ask(
        b"POST %b HTTP/1.1\r\nHost: h\r\nx-api-token: t\r\nContent-Length: 4\r\n\r\nbody"
        % path.encode()
    )

    assert reply.status == 201
    request = seen[0]
    assert (request.method, request.path) == ("POST", "/api/v4/things/a%2Fb")
    assert request.params == {"kind": "things", "name": "a/b"}
    assert request.query["x"] == "1"
    assert request.query_pairs == (("x", "1"), ("x", "2"), ("y", ""))
    assert request.headers["X-API-Token"] == "t"
    assert (request.body, request.peer) == (b"body", "127.0.0.1")
    assert request.principal == "gateway of the barn"
    assert request.received.tzinfo is not None
    assert request.quarantine_id is None


async def test_an_answer_has_few_headers_and_its_zone_s(serve, barn_zone, echo):
    hub = await serve(post(echo), zones=[barn_zone])

    reply = await (await hub.wire()).ask(
        b"POST /api/v4/measurements HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"
    )

    assert set(reply.headers) == {"Content-Type", "Content-Length", "Date", "X-Barn"}
    assert reply.headers["Date"].endswith(" GMT")
    assert reply.body == b"{}"


async def test_a_status_without_a_name_is_fine(serve):
    async def handler(request):
        return Response(299)

    hub = await serve(post(handler))

    assert (await hub.ask("POST", "/api/v4/measurements", b"")).status == 299


async def test_a_handler_s_headers_beat_its_zone_s(serve, barn_zone):
    async def handler(request):
        return Response(200, b"x", "text/plain", {"x-barn": "no", "Content-Type": "text/css"})

    hub = await serve(post(handler), zones=[barn_zone])

    reply = await hub.ask("POST", "/api/v4/measurements", b"")

    assert reply.headers["x-barn"] == "no"
    assert "X-Barn" not in reply.headers
    assert reply.headers["Content-Type"] == "text/css"


@pytest.mark.parametrize(
    "response",
    [
        None,
        Response(200, "text"),
        Response(99, b""),
        Response(600, b""),
        Response("200", b""),
        Response(200, b"", "text/plain\r\nX-Evil: 1"),
        Response(200, b"", headers={"X-A": "1\r\nX-Evil: 1"}),
        Response(200, b"", headers={"X-A\r\nX-Evil": "1"}),
        Response(200, b"", headers={"content-length": "7"}),
        Response(200, b"", headers={"X-A": "\u20ac"}),
    ],
)
async def test_an_answer_that_is_none_becomes_an_error(serve, barn_zone, caplog, response):
    async def handler(request):
        return response

    hub = await serve(post(handler), zones=[barn_zone])

    reply = await hub.ask("POST", "/api/v4/measurements", b"")

    assert reply.status == 500
    assert json.loads(reply.body)["barn"] == 500
    assert "X-Evil" not in reply.headers
    assert "request failed owner=barn route=POST /api/v4/measurements" in caplog.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (WireError("body", "no"), 400),
        (Forbidden("no"), 403),
        (StorageBusy("behind"), 503),
        (StorageFull("full"), 503),
        (StorageError("broken"), 503),
        (KeyError("surprise"), 500),
        (TimeoutError(), 500),
        (ConnectionResetError(), 500),
        (asyncio.CancelledError(), 500),
    ],
)
async def test_errors_are_told_in_the_dialect_of_the_route_s_owner(serve, barn_zone, error, status):
    async def handler(request):
        raise error

    hub = await serve(post(handler), post(handler, "/elsewhere"), zones=[barn_zone])

    for path in ("/api/v4/measurements", "/elsewhere"):
        reply = await hub.ask("POST", path, b"{}")
        assert reply.status == status
        assert json.loads(reply.body)["barn"] == status
        assert reply.headers["X-Barn"] == "yes"
    assert hub.counts.of("barn").statuses[status] == 2
    assert hub.counts.of("barn").failed_count == (2 if status == 500 else 0)


async def test_a_plugin_may_say_503_where_it_failed(serve, echo):
    def never_500(request, problem):
        return Response(503 if problem.status == 500 else problem.status)

    async def handler(request):
        raise KeyError

    zone = Zone(prefix="/api/v4", problem=never_500)
    hub = await serve(post(handler), zones=[zone])

    assert (await hub.ask("POST", "/api/v4/measurements", b"")).status == 503


async def test_an_error_page_that_fails_is_replaced_by_the_core_s(serve, caplog):
    def broken(request, problem):
        raise KeyError(problem)

    hub = await serve(zones=[Zone(prefix="/api/v4", problem=broken)])

    reply = await hub.ask("GET", "/api/v4/nothing")

    assert (reply.status, json.loads(reply.body)) == (404, {"message": "there is nothing here"})
    assert hub.counts.of("barn").failed_count == 1


async def test_a_normaliser_that_fails_gives_an_error_and_no_more(serve, barn_zone, caplog):
    def broken(path):
        raise KeyError(path)

    hub = await serve(zones=[evolve(barn_zone, normalise=broken)])

    assert (await hub.ask("GET", "/api/v4/nothing")).status == 500


async def test_a_secret_in_the_path_gets_into_no_log(serve, caplog):
    caplog.set_level(logging.DEBUG)

    async def handler(request):
        raise KeyError

    hub = await serve(post(handler, "/api/v1/{token}/telemetry"))

    await hub.ask("POST", "/api/v1/hush-hush/telemetry?k=hush-hush", b"hush-hush")

    assert "/api/v1/{token}/telemetry" in caplog.text
    assert "hush-hush" not in caplog.text
    assert "hush-hush" not in hub.counts.of("barn").last_error


async def test_the_same_failure_over_and_over_is_logged_once(serve, caplog):
    async def handler(request):
        raise KeyError

    hub = await serve(post(handler))

    for _ in range(20):
        await hub.ask("POST", "/api/v4/measurements", b"")

    assert caplog.text.count("request failed") == 1
    assert hub.counts.of("barn").failed_count == 20


async def test_what_matches_nothing_is_told_in_the_dialect_of_its_zone(serve, barn_zone, echo):
    hub = await serve(post(echo), zones=[barn_zone])

    for path in ("/api/v4/nothing", "//api/v4/nothing", "/api/v4"):
        reply = await hub.ask("GET", path)
        assert (reply.status, json.loads(reply.body)["barn"]) == (404, 404)
    for path in ("/", "/nothing", "/api/nothing"):
        reply = await hub.ask("GET", path)
        assert (reply.status, json.loads(reply.body)) == (404, {"message": "there is nothing here"})


async def test_a_wrong_method_is_told_with_those_that_exist(serve, echo):
    hub = await serve(post(echo, "/x"))

    reply = await hub.ask("GET", "/x")

    assert reply.status == 405
    assert reply.headers["Allow"] == "OPTIONS, POST"


async def test_options_tells_the_methods_and_asks_for_no_token(serve, barn_zone, echo, token_t):
    hub = await serve(post(echo, access=token_t), zones=[barn_zone])

    reply = await hub.ask("OPTIONS", "/api/v4/measurements/")

    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["Allow"] == "OPTIONS, POST"
    assert reply.headers["X-Barn"] == "yes"
    assert "Content-Length" not in reply.headers


async def test_nothing_is_ever_redirected(serve, barn_zone, echo):
    hub = await serve(post(echo), zones=[barn_zone])

    for path in ("/api/v4/measurements", "/api/v4/measurements/", "//api//v4//measurements//"):
        assert (await hub.ask("POST", path, b"{}")).status == 201
    for path in ("/api/states/", "//", "/api"):
        assert (await hub.ask("GET", path)).status == 404


async def test_head_gets_the_headers_of_get(serve):
    async def handler(request):
        return Response(200, b"12345")

    hub = await serve(Route("GET", "/x", handler, access="public"))
    wire = await hub.wire()

    for _ in range(2):
        reply = await wire.ask(b"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n", has_body=False)
        assert (reply.status, reply.headers["Content-Length"]) == (200, "5")


async def test_the_access_rule_comes_before_the_body(serve, barn_zone, echo, token_t):
    hub = await serve(post(echo, access=token_t), zones=[barn_zone])
    wire = await hub.wire()

    reply = await wire.ask(
        b"POST /api/v4/measurements HTTP/1.1\r\nHost: h\r\nX-Api-Token: no\r\n"
        b"Content-Length: 1000\r\n\r\n"
    )

    assert (reply.status, json.loads(reply.body)["says"]) == (401, "wrong token")


async def test_a_sender_who_leaves_does_not_stop_the_handler(serve):
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(request):
        begun.set()
        await go_on.wait()
        done.set()
        return Response(201)

    hub = await serve(post(handler))
    wire = await hub.wire()
    await wire.send(b"POST /api/v4/measurements HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
    await begun.wait()

    await wire.close()
    await asyncio.sleep(0.05)
    go_on.set()

    async with asyncio.timeout(5):
        await done.wait()


async def test_one_owner_s_hanging_handlers_leave_room_for_others(serve, table):
    forever = asyncio.Event()

    async def hang(request):
        await forever.wait()
        return Response()

    async def quick(request):
        return Response()

    table.add("quick", [post(quick, "/quick")])
    table.add("hub", [post(quick, "/vital")], is_vital=True)
    limits = Limits(request_count=4, owner_request_count=2)
    hub = await serve(post(hang), limits=limits)
    wires = [await hub.wire() for _ in range(3)]
    asked = b"POST /api/v4/measurements HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
    for wire in wires:
        await wire.send(asked)

    assert (await wires[2].answer()).status == 503
    assert (await hub.ask("POST", "/quick", b"")).status == 200
    assert hub.counts.overload_count == 1

    hub.server.gate.in_flight += 2
    assert (await hub.ask("POST", "/quick", b"")).status == 503
    assert (await hub.ask("GET", "/nothing")).status == 503
    assert (await hub.ask("POST", "/vital", b"")).status == 200
    hub.server.gate.in_flight -= 2
    forever.set()
    assert [(await wire.answer()).status for wire in wires[:2]] == [200, 200]
    assert hub.server.gate.in_flight == 0
    assert hub.server.gate.body_bytes == 0


async def pieces(*chunks, error=None):
    for chunk in chunks:
        yield chunk
    if error is not None:
        raise error


def streaming(chunks, **options):
    async def handler(request):
        return StreamedResponse(chunks=chunks(), **options)

    return Route("GET", "/stream", handler, access="public")


async def test_an_answer_can_come_in_pieces(serve):
    hub = await serve(streaming(lambda: pieces(b"one ", b"", b"two " * 50_000, b"three")))
    wire = await hub.wire()

    for _ in range(2):
        reply = await wire.ask(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
        assert reply.headers["Transfer-Encoding"] == "chunked"
        assert reply.body == b"one " + b"two " * 50_000 + b"three"


async def test_an_empty_stream_is_an_empty_answer(serve):
    hub = await serve(streaming(pieces))

    assert (await hub.ask("GET", "/stream")).body == b""


async def test_head_of_a_stream_has_no_body(serve):
    hub = await serve(streaming(lambda: pieces(b"one", b"two")))
    wire = await hub.wire()

    reply = await wire.ask(b"HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n", has_body=False)
    assert reply.status == 200
    assert (await wire.ask(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")).body == b"onetwo"


async def test_an_old_client_gets_a_stream_that_ends_with_the_connection(serve):
    hub = await serve(streaming(lambda: pieces(b"one", b"two")))
    wire = await hub.wire()

    reply = await wire.ask(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    assert reply.headers["Connection"] == "close"
    assert reply.body == b"onetwo"


async def test_a_stream_that_fails_at_once_is_an_error_page(serve, barn_zone):
    hub = await serve(streaming(lambda: pieces(error=StorageError("broken"))), zones=[barn_zone])

    reply = await hub.ask("GET", "/stream")

    assert (reply.status, json.loads(reply.body)["barn"]) == (503, 503)


async def test_a_stream_that_fails_later_cuts_the_connection(serve, caplog):
    hub = await serve(streaming(lambda: pieces(b"one", error=StorageError("broken"))))
    wire = await hub.wire()

    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await wire.ask(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    assert hub.counts.of("barn").failed_count == 1


async def test_a_reader_who_stops_reading_is_let_go(serve, caplog):
    closed = asyncio.Event()

    async def endless():
        try:
            while True:
                yield b"x" * 65536
        finally:
            closed.set()

    limits = Limits(write_pause=dt.timedelta(milliseconds=100))
    hub = await serve(streaming(endless), limits=limits)
    wire = await hub.wire()
    await wire.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")

    async with asyncio.timeout(10):
        await closed.wait()
    await hub.at_rest()

    assert hub.counts.disconnect_count == 1
    assert "failed" not in caplog.text

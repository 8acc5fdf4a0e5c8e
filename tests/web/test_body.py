import asyncio
import datetime as dt
import gzip
import json

import pytest

from hub.errors import StorageFull
from hub.http import MIB, Response, Route, json_response
from hub.web.gate import Limits

PATH = "/api/v4/measurements"
HEAD = b"POST /api/v4/measurements HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer hush\r\n"
SHORT = Limits(body_pause=dt.timedelta(milliseconds=200), body_rate=1000)


class DiskSpools:
    """Spools on a real disk, as the quarantine's."""

    def __init__(self, folder, *, room=64 * MIB):
        self.folder, self.room = folder, room
        self.items, self.aborted_count, self.spool_count = {}, 0, 0

    def spool(self):
        self.spool_count += 1
        return DiskSpool(self, self.folder / str(self.spool_count))


class DiskSpool:
    def __init__(self, spools, path):
        self.spools, self.path, self.is_done = spools, path, False
        self.file = path.open("wb")

    async def write(self, chunk):
        if self.file.tell() + len(chunk) > self.spools.room:
            raise StorageFull("no space left")
        await asyncio.to_thread(self.file.write, chunk)

    async def commit(self, item):
        self.is_done = True
        self.file.close()
        self.spools.items[7] = (item, self.path)
        return 7

    async def abort(self):
        self.file.close()
        if not self.is_done:
            self.path.unlink()
            self.spools.aborted_count += 1


async def size(request):
    return json_response(201, {"size": len(request.body), "spooled": request.quarantine_id})


def post(**options):
    return Route("POST", PATH, size, access="public", **options)


def chunked(*parts):
    lines = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + lines + b"0\r\n\r\n"


def sized(body):
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def told(answer):
    return answer.status, json.loads(answer.body)


async def test_a_body_up_to_the_limit_is_taken_in_any_form(serve):
    hub = await serve(post(body_limit=1000))
    wire = await hub.wire()
    body = b"x" * 1000

    for message in (sized(body), chunked(body), chunked(b"x" * 400, b"x" * 600), sized(b"")):
        assert (await wire.ask(message)).status == 201


@pytest.mark.parametrize("make", [sized, chunked])
async def test_a_body_above_the_limit_is_refused_in_any_form(serve, barn_zone, make):
    hub = await serve(post(body_limit=1000), zones=[barn_zone])
    wire = await hub.wire()

    reply = await wire.ask(make(b"x" * 1001))

    assert told(reply)[0] == 413
    assert told(reply)[1]["barn"] == 413
    assert hub.server.gate.body_bytes == 0


async def test_a_body_that_is_announced_too_large_is_not_waited_for(serve):
    hub = await serve(post(body_limit=1000))
    wire = await hub.wire()

    assert (await wire.ask(HEAD + b"Content-Length: 99999999999\r\n\r\n")).status == 413


async def test_a_large_body_arrives_whole(serve):
    hub = await serve(post(body_limit=16 * MIB))

    assert told(await (await hub.wire()).ask(sized(b"x" * 8 * MIB)))[1]["size"] == 8 * MIB
    assert hub.server.gate.body_bytes == 0


async def test_a_packed_body_is_counted_unpacked(serve):
    hub = await serve(post(body_limit=1 * MIB))

    fits = gzip.compress(b"x" * MIB)
    bomb = gzip.compress(b"x" * 64 * MIB)

    assert told(await hub.ask("POST", PATH, fits, Content_Encoding="gzip"))[1]["size"] == MIB
    assert (await hub.ask("POST", PATH, bomb, Content_Encoding="gzip")).status == 413


@pytest.mark.parametrize(
    "message",
    [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nbody\r\n0\r\n\r\n",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
)
async def test_a_malformed_body_is_the_sender_s_fault(serve, message):
    hub = await serve(post())
    wire = await hub.wire()

    assert (await wire.ask(message)).status == 400
    assert hub.counts.of("barn").failed_count == 0


async def test_a_body_that_does_not_come_is_given_up(serve):
    hub = await serve(post(), limits=SHORT)
    wire = await hub.wire()

    reply = await wire.ask(HEAD + b"Content-Length: 100\r\n\r\nbegun")

    assert (reply.status, hub.server.gate.in_flight) == (400, 0)


async def test_a_body_that_drips_is_given_up_and_one_that_flows_is_not(serve):
    hub = await serve(post(), limits=SHORT)

    async def drip(step, count):
        wire = await hub.wire()
        await wire.send(HEAD + b"Content-Length: 100000\r\n\r\n")
        answering = asyncio.ensure_future(wire.answer())
        for _ in range(count):
            if not answering.done():
                await wire.send(b"x" * step)
                await asyncio.sleep(0.05)
        return await answering

    slow, quick = await asyncio.gather(drip(1, 20), drip(10_000, 10))

    assert (slow.status, quick.status) == (400, 201)


async def test_a_sender_who_leaves_in_the_middle_is_no_error(serve, caplog):
    hub = await serve(post())
    wire = await hub.wire()
    await wire.send(HEAD + b"Content-Length: 100\r\n\r\nbegun")
    await hub.until(lambda: hub.server.gate.in_flight)

    await wire.close()
    await hub.at_rest()

    assert hub.counts.disconnect_count == 1
    assert hub.counts.of("barn").failed_count == 0
    assert hub.server.gate.body_bytes == 0
    assert "ERROR" not in caplog.text


async def test_all_bodies_together_are_bounded(serve):
    hub = await serve(post(body_limit=1 * MIB), limits=Limits(body_bytes=1000))

    for body in (b"x" * 1001, b"x" * 500_000):
        assert (await hub.ask("POST", PATH, body)).status == 503
    assert hub.counts.overload_count == 2
    assert (await hub.ask("POST", PATH, b"x" * 1000)).status == 201
    assert hub.server.gate.body_bytes == 0


async def test_who_asks_before_sending_is_told_to_go_on(serve):
    hub = await serve(post())
    wire = await hub.wire()

    await wire.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    assert (await wire.answer(has_body=False)).status == 100
    assert (await wire.ask(b"body")).status == 201


async def test_who_asks_before_sending_too_much_is_told_at_once(serve):
    hub = await serve(post(body_limit=10))
    wire = await hub.wire()

    reply = await wire.ask(HEAD + b"Expect: 100-continue\r\nContent-Length: 40\r\n\r\n")

    assert reply.status == 413


@pytest.mark.parametrize("make", [sized, chunked])
async def test_an_oversize_body_goes_to_the_quarantine_whole(serve, tmp_path, make):
    spools = DiskSpools(tmp_path)
    hub = await serve(post(body_limit=1000, spool_limit=2 * MIB), spools=spools)
    body = bytes(range(256)) * 4096

    reply = await (await hub.wire()).ask(make(body))

    assert told(reply) == (201, {"size": 0, "spooled": 7})
    item, path = spools.items[7]
    assert path.read_bytes() == body
    assert (item.plugin, item.source, item.route) == ("barn", "127.0.0.1", f"POST {PATH}")
    assert "1048576 bytes, above the limit of 1000" in item.reason
    assert "hush" not in repr(item)


async def test_an_oversize_body_is_kept_with_the_name_of_its_token(serve, tmp_path):
    spools = DiskSpools(tmp_path)
    route = Route("POST", PATH, size, access=lambda _: "north", body_limit=10, spool_limit=MIB)
    hub = await serve(route, spools=spools)

    assert told(await (await hub.wire()).ask(sized(b"x" * 11)))[0] == 201

    item, _ = spools.items[7]
    assert item.source == "north at 127.0.0.1"


async def test_a_body_within_the_limit_is_not_spooled(serve, tmp_path):
    spools = DiskSpools(tmp_path)
    hub = await serve(post(body_limit=1000, spool_limit=2000), spools=spools)

    assert told(await hub.ask("POST", PATH, b"x" * 1000))[1] == {"size": 1000, "spooled": None}
    assert spools.spool_count == 0


@pytest.mark.parametrize("make", [sized, chunked])
async def test_a_body_above_the_quarantine_s_limit_too_is_refused(serve, tmp_path, make):
    spools = DiskSpools(tmp_path)
    hub = await serve(post(body_limit=1000, spool_limit=2 * MIB), spools=spools)

    assert (await (await hub.wire()).ask(make(b"x" * (2 * MIB + 1)))).status == 413
    assert list(tmp_path.iterdir()) == []


async def test_without_a_quarantine_an_oversize_body_is_refused(serve):
    hub = await serve(post(body_limit=1000, spool_limit=2000))

    assert (await (await hub.wire()).ask(sized(b"x" * 1001))).status == 413
    assert (await (await hub.wire()).ask(chunked(b"x" * 1001))).status == 413


async def test_a_full_disk_while_spooling_is_a_503_and_leaves_nothing(serve, tmp_path):
    spools = DiskSpools(tmp_path, room=100_000)
    hub = await serve(post(body_limit=1000, spool_limit=2 * MIB), spools=spools)

    assert (await (await hub.wire()).ask(sized(b"x" * MIB))).status == 503
    assert list(tmp_path.iterdir()) == []


async def test_a_sender_who_leaves_while_spooling_leaves_nothing(serve, tmp_path):
    spools = DiskSpools(tmp_path)
    hub = await serve(post(body_limit=1000, spool_limit=2 * MIB), spools=spools)
    wire = await hub.wire()
    await wire.send(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * 5000)
    await hub.until(lambda: spools.spool_count)

    await wire.close()
    await hub.at_rest()

    assert spools.aborted_count == 1
    assert list(tmp_path.iterdir()) == []


async def test_only_a_few_bodies_are_spooled_at_once(serve, tmp_path):
    spools = DiskSpools(tmp_path)
    hub = await serve(
        post(body_limit=10, spool_limit=2 * MIB), spools=spools, limits=Limits(spool_count=1)
    )
    first = await hub.wire()
    await first.send(HEAD + b"Content-Length: 100\r\n\r\n" + b"x" * 50)
    await hub.until(lambda: spools.spool_count)

    assert (await (await hub.wire()).ask(sized(b"x" * 100))).status == 503
    await first.send(b"x" * 50)
    assert (await first.answer()).status == 201


async def test_a_secret_in_the_path_does_not_get_into_the_quarantine(serve, tmp_path):
    spools = DiskSpools(tmp_path)
    route = Route(
        "POST", "/api/v1/{token}/x", size, access="public", body_limit=10, spool_limit=2000
    )
    hub = await serve(route, spools=spools)

    await hub.ask("POST", "/api/v1/hush/x", b"x" * 100)

    assert spools.items[7][0].route == "POST /api/v1/{token}/x"


async def test_a_handler_that_never_looks_at_the_body_is_fine(serve):
    async def answer(request):
        return Response(204)

    hub = await serve(Route("POST", PATH, answer, access="public"))
    wire = await hub.wire()

    for _ in range(3):
        assert (await wire.ask(sized(b"{}"), has_body=False)).status == 204

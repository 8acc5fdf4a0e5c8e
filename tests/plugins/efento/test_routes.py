import asyncio
import gc
import json
import logging
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub import Problem, StorageBusy
from hub_efento import routes
from hub_efento.config import EfentoConfig
from hub_efento.normalise import MOST_PARTS

# Seconds; a run that measures coverage is several times slower.
LONGEST_BLOCK = 0.05 if sys.gettrace() is None else 0.5

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["measurements", "serial", "params", "measured_at", "mac", "x"]), inner
    ),
)  # fmt: skip


@pytest.fixture
def handlers(ctx):
    return {route.path: route.handler for route in routes.routes(ctx)}


@pytest.fixture
def send(handlers, make_request):
    async def send(body, path="/api/v4/measurements", **fields):
        response = await handlers[path](make_request(body, path, **fields))
        return response.status, json.loads(response.body)

    return send


def measured(batch):
    return [r for r in batch.readings if r.key not in ("battery", "signal")]


@pytest.mark.parametrize(
    ("name", "reading_count", "quarantined_count"),
    [
        ("three_loggers", 6, 0),
        ("broken_quotes", 6, 1),
        ("firmware_2020", 2, 0),
        ("heartbeat", 6, 0),
    ],
)
async def test_real_messages_get_the_answer_they_got(
    send, ctx, exchange, name, reading_count, quarantined_count
):
    seen = exchange(name)
    request = seen["request"]

    status, body = await send(request["body"].encode(), request["path"])

    assert (status, body) == (seen["response"]["status"], seen["response"]["body"])
    (batch,) = ctx.batches
    assert len(measured(batch)) == reading_count
    assert len(batch.quarantined) == quarantined_count


async def test_the_answer_waits_until_everything_is_stored(ctx, make_request, handlers, entry):
    is_stored = asyncio.Event()

    async def ingest(_batch):
        await is_stored.wait()

    ctx.ingest = ingest
    request = make_request({"measurements": [entry(("temperature", 6))]})
    task = asyncio.ensure_future(handlers["/api/v4/measurements"](request))
    done, _ = await asyncio.wait([task], timeout=0.05)
    assert not done

    is_stored.set()
    assert (await task).status == 201


@pytest.mark.parametrize("path", ["/api/v4/measurements", "/api/v4/gateways/heartbeat"])
async def test_what_can_not_be_stored_is_not_acknowledged(send, ctx, exchange, path):
    ctx.error = StorageBusy("the writer is behind")
    name = "heartbeat" if "heartbeat" in path else "three_loggers"

    with pytest.raises(StorageBusy):
        await send(exchange(name)["request"]["body"].encode(), path)


@pytest.mark.parametrize(
    "body",
    [b"{bad json", b"", b"\xff\xfe", b"null", b"7", b"{}", b'{"measurements": null}', b'"text"'],
)
async def test_a_body_that_is_not_understood_is_put_aside_whole(send, ctx, body):
    assert await send(body) == (201, {"Y": [], "N": []})

    (batch,) = ctx.batches
    assert [part.raw for part in batch.quarantined] == [body]
    assert not batch.readings


@pytest.mark.parametrize("body", [b"{bad json", b"{}", b"[]", b'{"mac": 5}'])
async def test_a_heartbeat_that_is_not_understood_is_put_aside_whole(send, ctx, body):
    assert await send(body, "/api/v4/gateways/heartbeat") == (201, {})

    (batch,) = ctx.batches
    assert [part.raw for part in batch.quarantined] == [body]


async def test_a_heartbeat_with_a_wrong_field_is_stored_and_put_aside(send, ctx):
    await send({"mac": "28:2C:02:4F:03:0A", "uptime": "long"}, "/api/v4/gateways/heartbeat")

    (batch,) = ctx.batches
    assert [part.part for part in batch.quarantined] == ["uptime"]
    assert batch.gateways[0].key.uid == "282C024F030A"


@pytest.mark.parametrize(("path", "answer"), [
    ("/api/v4/measurements", {"Y": [], "N": []}),
    ("/api/v4/gateways/heartbeat", {}),
])  # fmt: skip
async def test_a_body_that_was_spooled_is_acknowledged(send, ctx, path, answer):
    assert await send(b"", path, quarantine_id=7) == (201, answer)
    assert not ctx.batches


async def test_a_bare_list_is_a_message_too(send, ctx, entry):
    assert await send([entry(("temperature", 6))]) == (201, {"Y": [1], "N": []})
    assert len(measured(ctx.batches[0])) == 1


async def test_a_truncated_message_keeps_what_came(send, ctx, entry):
    body = json.dumps({"measurements": [entry(("temperature", n)) for n in range(3)]})

    status, answer = await send(body[:-100].encode())

    assert (status, answer["Y"]) == (201, [1])
    (batch,) = ctx.batches
    assert [r.value for r in measured(batch)] == [0, 1]
    assert len(batch.quarantined) == 1


async def test_only_a_missing_bracket_loses_nothing(send, ctx, entry):
    body = json.dumps({"measurements": [entry(("temperature", 5))]})

    assert await send(body[:-1].encode()) == (201, {"Y": [1], "N": []})
    assert not ctx.batches[0].quarantined


async def test_a_message_with_very_many_bad_parts_is_put_aside_once(send, ctx, entry):
    bad = [entry(serial=None, response_handle=n) for n in range(MOST_PARTS + 1)]

    status, answer = await send({"measurements": [*bad, entry(("temperature", 6))]})

    assert status == 201
    assert len(answer["Y"]) == MOST_PARTS + 1  # the good one shares handle 1
    (batch,) = ctx.batches
    (part,) = batch.quarantined
    assert json.loads(part.raw)["measurements"][:-1] == bad
    assert len(measured(batch)) == 1


async def test_a_message_full_of_nonsense_is_not_read_to_its_end(send, ctx, entry, monkeypatch):
    monkeypatch.setattr(routes, "_MOST_BAD", 500)
    body = b"[" + b"{}," * 50_000 + json.dumps(entry(("temperature", 6))).encode() + b"]"

    assert await send(body) == (201, {"Y": [], "N": []})

    (batch,) = ctx.batches
    assert [part.raw for part in batch.quarantined] == [body]
    assert "over 500" in batch.quarantined[0].reason


async def test_disabled_loggers_are_answered_with_n(send, ctx, entry):
    ctx.unwanted = {"B"}
    good, other = entry(("temperature", 6)), entry(("humidity", 6), serial="B", response_handle=2)

    assert await send({"measurements": [good, other]}) == (201, {"Y": [1], "N": [2]})
    assert {r.device.uid for r in ctx.batches[0].readings} == {"282C024FFFB1"}

    ctx.unwanted = set()
    assert await send({"measurements": [good, other]}) == (201, {"Y": [1, 2], "N": []})


async def test_problems_are_logged_once_and_without_the_message(send, caplog):
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        await send(b'{"secret-looking": ')

    assert len(caplog.records) == 1
    assert "secret-looking" not in caplog.text


# -- which gateway --------------------------------------------------------------------------------


def beat(mac="28:2C:02:4F:03:0A", **fields):
    return {"mac": mac, "name": f"G-{mac[-2:]}", "current_time": 1728746920, **fields}


@pytest.fixture
def gateway_of(send, ctx, entry):
    async def gateway_of(**fields):
        await send({"measurements": [entry(("temperature", 6))]}, **fields)
        batch = ctx.batches[-1]
        assert batch.devices[0].gateway == batch.gateways[0].key
        return batch.gateways[0].key.uid

    return gateway_of


async def test_measurements_belong_to_the_only_gateway_of_their_token(send, gateway_of):
    assert await gateway_of() == "token:barn"

    await send(beat(), "/api/v4/gateways/heartbeat")
    assert await gateway_of() == "282C024F030A"
    assert await gateway_of(principal="shed") == "token:shed"


async def test_gateways_that_share_a_token_are_a_group(send, gateway_of, ctx):
    await send(beat(), "/api/v4/gateways/heartbeat")
    await send(beat("28:2C:02:4F:03:0B"), "/api/v4/gateways/heartbeat")

    assert await gateway_of() == "token:barn"

    ctx.online = {"282C024F030B"}
    assert await gateway_of() == "282C024F030B"


async def test_what_is_remembered_of_gateways_is_bounded(send, gateway_of, monkeypatch):
    monkeypatch.setattr(routes, "_MOST_GATEWAYS", 3)
    for number in range(5):
        await send(beat(f"28:2C:02:4F:03:0{number}"), "/api/v4/gateways/heartbeat")

    assert await gateway_of() == "token:barn"


async def test_a_restart_is_told_once_it_is_stored(send, ctx):
    path = "/api/v4/gateways/heartbeat"
    await send(beat(uptime=100), path)
    ctx.error = StorageBusy("behind")
    with pytest.raises(StorageBusy):
        await send(beat(uptime=3), path)
    ctx.error = None

    await send(beat(uptime=3), path)
    await send(beat(uptime=9), path)

    assert [[type(e).__name__ for e in batch.events] for batch in ctx.batches] == [
        ["HeartbeatReceived"],
        ["HeartbeatReceived", "GatewayRestarted"],
        ["HeartbeatReceived"],
    ]


async def test_an_old_heartbeat_is_not_remembered(send, ctx):
    path = "/api/v4/gateways/heartbeat"
    await send(beat(uptime=100), path)
    await send(beat(uptime=40, current_time=1728746860), path)
    await send(beat(uptime=101, current_time=1728746921), path)

    assert all(len(batch.events) == 1 for batch in ctx.batches)


@pytest.mark.parametrize(("sent", "says"), [(1728746400, "behind"), (1728747300, "ahead")])
async def test_a_wrong_clock_is_a_problem_until_it_is_right(send, ctx, sent, says):
    path = "/api/v4/gateways/heartbeat"
    await send(beat(current_time=sent), path)

    assert says in ctx.notices["clock_282C024F030A"].message

    await send(beat(), path)
    assert not ctx.notices


async def test_wrong_clocks_that_are_remembered_are_bounded(send, ctx, monkeypatch):
    monkeypatch.setattr(routes, "_MOST_GATEWAYS", 1)
    for mac in ("28:2C:02:4F:03:0A", "28:2C:02:4F:03:0B"):
        await send(beat(mac, current_time=1), "/api/v4/gateways/heartbeat")

    assert set(ctx.notices) == {"clock_282C024F030A", "clock_282C024F030B"}


# -- routes and zones -----------------------------------------------------------------------------


def test_every_route_is_a_post_behind_the_gate_with_its_limits(ctx):
    found = routes.routes(ctx)

    assert [route.path for route in found] == [
        "/api/v4/measurements",
        "/api/v4/gateways/heartbeat",
        "/api/v2/measurements",
        "/api/v2/measurements/",
    ]
    assert {route.method for route in found} == {"POST"}
    assert {(r.body_limit, r.spool_limit) for r in found} == {(16 * 2**20, 64 * 2**20)}
    assert all(callable(route.access) for route in found)


def test_a_prefix_adds_routes_and_a_zone(ctx):
    ctx.config = EfentoConfig(prefix="/farm")

    paths = [route.path for route in routes.routes(ctx)]

    assert "/farm/api/v4/measurements" in paths
    assert "/farm/api/v4/gateways/heartbeat" in paths
    assert [zone.prefix for zone in routes.zones(ctx)] == ["/api/v4", "/farm"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/api/v4/measurements/", "/api/v4/measurements"), ("//api//v4/x//", "/api/v4/x"), ("/", "/")],
)
def test_slashes_do_not_matter(path, expected):
    assert routes.tidy(path) == expected


@pytest.mark.parametrize(
    ("status", "expected"), [(401, 401), (404, 404), (405, 405), (400, 400), (413, 503), (500, 503)]
)
def test_trouble_of_our_own_is_a_503(ctx, make_request, status, expected):
    (zone,) = routes.zones(ctx)

    response = zone.problem(make_request(), Problem(status, "why", ("POST",)))

    assert response.status == expected
    assert json.loads(response.body) == {"error": "why"}
    assert response.headers == {"Allow": "POST"}


def test_a_wrong_path_is_logged_once_with_the_right_ones(ctx, make_request, caplog):
    caplog.set_level(logging.WARNING)
    ctx.config = EfentoConfig(prefix="/farm")
    zone = routes.zones(ctx)[0]
    for _ in range(3):
        zone.problem(make_request(path="/api/v4/measurement"), Problem(404, "no such path"))

    assert len(caplog.records) == 1
    assert "/farm/api/v4/measurements" in caplog.text


def test_a_message_that_is_too_large_even_to_put_aside_is_a_problem(ctx, make_request):
    (zone,) = routes.zones(ctx)

    zone.problem(make_request(), Problem(413, "too large"))

    assert "spool_limit" in ctx.notices["too_large"].message


# -- anything at all ------------------------------------------------------------------------------


@given(JSON, st.sampled_from(["/api/v4/measurements", "/api/v4/gateways/heartbeat"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_json_is_acknowledged(send, value, path):
    status, answer = await send(value, path)

    assert status == 201
    assert set(answer) == ({"Y", "N"} if "measurements" in path else set())


@given(st.binary(), st.sampled_from(["/api/v4/measurements", "/api/v4/gateways/heartbeat"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_bytes_are_acknowledged_and_kept(send, ctx, body, path):
    ctx.batches.clear()

    status, _ = await send(body, path)

    assert status == 201
    (batch,) = ctx.batches
    assert batch.readings or batch.quarantined or body.strip() in (b"[]", b'{"measurements":[]}')


@given(JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_keeps_its_neighbours_from_being_stored(send, ctx, entry, value):
    ctx.batches.clear()
    good = entry(("temperature", 6))

    status, answer = await send({"measurements": [good, value, {**good, "response_handle": 2}]})

    assert status == 201
    assert {1, 2} <= {*answer["Y"]}
    (batch,) = ctx.batches
    assert len([r for r in batch.readings if r.device.uid == "282C024FFFB1"]) >= 2


async def longest_block(coro):
    """Return how long the event loop was held meanwhile, in seconds of this thread."""
    longest = 0.0
    is_done = False

    async def watch():
        nonlocal longest
        last = time.thread_time()
        while not is_done:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now

    watcher = asyncio.ensure_future(watch())
    await asyncio.sleep(0)
    await coro
    is_done = True
    await watcher
    return longest


def many(entry, count):
    return {
        "measurements": [
            entry(
                ("temperature", n / 10),
                ("humidity", n % 100),
                serial=f"282C02{n % 5000:06X}",
                measured_at=f"2024-10-{n % 9 + 1:02} 15:{n // 60 % 60:02}:{n % 60:02} UTC",
            )
            for n in range(count)
        ]
    }


@pytest.fixture
def quiet_collector():
    """Run as the hub does once it has started: what is there already is not looked at again."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.mark.usefixtures("quiet_collector")
@pytest.mark.parametrize(
    ("kind", "reading_count"),
    [("regular", 40_000), ("irregular", 20_000), ("empty", 0), ("unreadable", 0)],
)
async def test_a_long_message_never_holds_the_loop(send, ctx, entry, kind, reading_count):
    body = json.dumps(many(entry, 20_000)).encode()
    if kind == "irregular":
        body = body.replace(b'"ok"', b'"OK"').replace(b'"channel": 2', b'"channel": "x"')
    elif kind == "empty":
        body = b'{"measurements":[' + b"{}," * 30_000 + b"{}]}"
    elif kind == "unreadable":
        body = b'{"measurements":[' + b"x," * 30_000 + b"x]}"

    assert await longest_block(send(body)) < LONGEST_BLOCK

    (batch,) = ctx.batches
    assert len(measured(batch)) == reading_count
    assert len(batch.quarantined) == (kind != "regular")

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from hub.http import Response, Route
from hub.testing.clock import ManualClock
from hub.web import health, metrics
from hub.web.auth import local
from hub.web.metrics import Metric, counter, exposition, gauge


def parsed(body):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


async def answer(request):
    return Response()


async def test_the_metrics_tell_what_the_server_did(serve):
    collectors = []
    hub = await serve(
        *metrics.routes(collectors),
        Route("GET", "/x", answer, access="public"),
        authenticate=local,
    )
    collectors.append(lambda: health.server_metrics(hub.server))
    for path in ("/x", "/x", "/none"):
        await hub.ask("GET", path)
    await (await hub.wire()).ask(b"nonsense\r\n\r\n")

    reply = await hub.ask("GET", "/api/hub/metrics")
    told = parsed(reply.body)

    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    requests = "fieldhub_http_requests_total"
    assert told[requests, ("owner", "barn"), ("status", "200")] == 2
    assert told[requests, ("owner", "hub"), ("status", "404")] == 1
    assert told[requests, ("owner", "hub"), ("status", "400")] == 1
    assert told["fieldhub_http_bad_messages_total",] == 1
    assert told["fieldhub_http_requests_in_flight",] == 1
    assert told["fieldhub_http_failures_total", ("owner", "barn")] == 0
    assert told["fieldhub_failed_collectors",] == 0


async def test_the_metrics_take_a_token(serve):
    hub = await serve(*metrics.routes([]))

    assert (await hub.ask("GET", "/api/hub/metrics")).status == 401


def test_a_collector_that_fails_is_left_out_and_told(caplog):
    def broken():
        yield gauge("fine", "Fine", 1)
        raise KeyError

    told = parsed(exposition([broken, lambda: [gauge("good", "Good", 2)]]))

    assert told["fieldhub_good",] == 2
    assert told["fieldhub_failed_collectors",] == 1
    assert "collector failed" in caplog.text


def test_what_several_collectors_tell_stands_in_one_place():
    def plugin(name):
        return lambda: [Metric("rows_total", "counter", "Rows", [({"plugin": name}, 3)])]

    body = exposition([plugin("a"), plugin("b")])

    assert body.count(b"# TYPE fieldhub_rows_total counter") == 1
    assert parsed(body)["fieldhub_rows_total", ("plugin", "b")] == 3


@given(st.text(), st.text(), st.floats() | st.integers(-(2**60), 2**60))
def test_any_text_and_any_number_come_out_as_they_went_in(description, label, value):
    metric = Metric("thing", "gauge", description, [({"label": label}, value)])

    body = exposition([lambda: [metric]]).decode()

    family = next(text_string_to_metric_families(body))
    sample = family.samples[0]
    assert sample.labels == {"label": label}
    assert sample.value == value or value != value  # noqa: PLR0124 - NaN


@pytest.mark.parametrize("name", ["", "Upper", "a-b", "a b", "1a"])
def test_a_name_that_prometheus_would_not_take_is_refused(name):
    with pytest.raises(ValueError, match="expected a name"):
        counter(name, "x", 1)
    body = exposition([lambda: [Metric("thing", "gauge", "x", [({name: "1"}, 1)])]])
    assert parsed(body)["fieldhub_failed_collectors",] == 1


@pytest.mark.parametrize(
    ("can_store", "has_problems", "expected"),
    [
        (True, False, (200, b'{"status":"ok"}')),
        (True, True, (200, b'{"status":"degraded"}')),
        (False, True, (503, b'{"status":"degraded"}')),
    ],
)
async def test_the_health_says_whether_messages_are_taken(
    serve, table, can_store, has_problems, expected
):
    hub = await serve(is_accepting=False)
    routes = health.routes(
        hub.server, can_store=lambda: can_store, has_problems=lambda: has_problems
    )
    table.add("health", routes, is_vital=True)

    async def ask():
        reply = await hub.ask("GET", "/api/hub/health")
        return reply.status, reply.body

    assert await ask() == (503, b'{"status":"starting"}')
    hub.server.accept()
    assert await ask() == expected
    hub.server.refuse()
    assert await ask() == (503, b'{"status":"stopping"}')


async def test_the_lag_of_the_loop_is_its_longest_of_the_last_minute():
    clock = ManualClock()
    lag = health.LoopLag(clock)
    assert lag.longest == 0
    stop = lag.start()
    lag._lags.append(0.25)

    await clock.advance(59)
    assert lag.longest == 0.25
    await clock.advance(1)
    assert lag.longest == 0

    stop()
    await clock.advance(5)
    told = parsed(exposition([lag.metrics]))
    assert told["fieldhub_event_loop_lag_seconds",] == 0
    assert 1e6 < told["fieldhub_resident_memory_bytes",] < 1e11


async def test_a_blocked_loop_is_seen():
    import time

    from hub.clock import SystemClock

    lag = health.LoopLag(SystemClock())
    stop = lag.start()
    await asyncio.sleep(0.9)
    time.sleep(0.25)  # noqa: ASYNC251 - blocking is the point
    await asyncio.sleep(0.1)
    stop()

    assert lag.longest >= 0.1


def test_memory_is_told_without_proc_too(monkeypatch, tmp_path):
    monkeypatch.setattr(health, "_STATM", tmp_path / "none")

    assert health.resident_bytes() > 1e6


def test_stopping_what_never_began_is_harmless():
    health.LoopLag(ManualClock())._stop()

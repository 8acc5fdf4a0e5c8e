"""The control socket: operations in a running hub, with progress and errors as lines."""

import asyncio
import json

import pytest

from hub.app import App
from hub.app.control import OPERATIONS
from hub.app.operations import NewUser, Operation, perform
from hub.app.putaside import Choice
from hub.app.replay import method_and_path, principal_and_peer
from hub.cli.opening import connect
from hub.cli.remote import call_running
from hub.config import load
from hub.errors import HubError
from hub.storage.writes import QuarantineItem


@pytest.fixture
async def app(tmp_path):
    (tmp_path / "hub.yaml").write_text(
        "http: {port: 0}\nefento: {tokens: [{name: barn, token: abcdef}]}\n"
    )
    app = App(tmp_path, load(tmp_path))
    await app.open()
    await app.start()
    yield app
    await app.stop()


def silent(*_):
    pass


async def call(app, operation, **arguments):
    return await asyncio.to_thread(call_running, app.folder, operation, arguments, silent)


async def test_a_result_comes_back(app):
    result = await call(app, "user.add", name="ann", role="viewer", password="long enough")

    assert result["name"] == "ann"
    assert app.core.users.get("ann").role == "viewer"


@pytest.mark.parametrize(
    ("operation", "arguments", "sentence"),
    [
        ("nonsense", {}, "does not have it"),
        ("user.add", {"name": "ann"}, "missing required field"),
        ("user.add", {"name": "ann", "role": "viewer", "x": 1}, "unknown field"),
        ("user.add", {"name": 5, "role": "viewer"}, "Expected `str`"),
        ("user.add", {"name": "ann", "role": "king"}, "role 'king'"),
        ("quarantine.show", {"number": 5}, "not in the quarantine"),
        ("quarantine.drop", {}, "no message was named"),
        ("backup", {"file": "/proc/nowhere/x"}, "/proc/nowhere"),
    ],
)
async def test_what_is_wrong_comes_back_as_one_sentence(app, operation, arguments, sentence):
    with pytest.raises(HubError, match=sentence):
        await call(app, operation, **arguments)


async def test_arguments_that_are_no_json_are_refused(app):
    reader, writer = await asyncio.open_unix_connection(str(app.folder / "hub.sock"))
    writer.write(b"POST /op/status HTTP/1.1\r\nHost: hub\r\nContent-Length: 1\r\n"
                 b"Connection: close\r\n\r\n{")  # fmt: skip
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    writer.close()


async def test_the_operations_are_not_on_the_network(app):
    host, port = app.urls["http"].removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /op/status HTTP/1.1\r\nHost: hub\r\nContent-Length: 2\r\n"
                 b"Connection: close\r\n\r\n{}")  # fmt: skip
    assert (await reader.readline()).startswith(b"HTTP/1.1 404")
    writer.close()


async def test_progress_is_told_while_an_operation_runs(app, monkeypatch):
    async def slow(_hub, _wanted, say):
        for done in range(4):
            say("working", done, 4)
            await asyncio.sleep(0.15)
        return "done"

    monkeypatch.setitem(OPERATIONS, "slow", Operation(Choice, slow))
    seen = []

    result = await asyncio.to_thread(
        call_running, app.folder, "slow", {}, lambda *news: seen.append(news)
    )

    assert result == "done"
    assert seen[0] == ("working", 0, 4)
    assert seen == sorted(seen)
    assert len(seen) > 1


async def test_a_fault_in_an_operation_is_told_and_the_hub_goes_on(app, monkeypatch):
    async def faulty(_hub, _wanted, _say):
        raise ZeroDivisionError

    monkeypatch.setitem(OPERATIONS, "faulty", Operation(Choice, faulty))

    with pytest.raises(HubError, match="the hub's log says why"):
        await call(app, "faulty")
    assert (await call(app, "status"))["running"]


async def test_an_operation_ends_when_nobody_listens_any_more(app, monkeypatch):
    ended = asyncio.Event()

    async def endless(_hub, _wanted, say):
        try:
            for done in range(10**9):
                say("working", done, 10**9)
                await asyncio.sleep(0.05)
        finally:
            ended.set()

    monkeypatch.setitem(OPERATIONS, "endless", Operation(Choice, endless))
    client = await asyncio.to_thread(connect, app.folder, 5.0)
    client.sendall(b"POST /op/endless HTTP/1.1\r\nHost: hub\r\nContent-Length: 2\r\n\r\n{}")
    await asyncio.to_thread(client.recv, 100)
    client.close()

    async with asyncio.timeout(10):
        await ended.wait()


async def test_a_hub_that_is_gone_is_told(tmp_path):
    with pytest.raises(HubError, match="does not answer"):
        await asyncio.to_thread(call_running, tmp_path, "status", {}, silent)


async def test_a_handler_that_fails_in_a_replay_is_isolated(app, monkeypatch):
    numbers = [
        await app.core.store.quarantine.add(
            QuarantineItem(received=1, plugin="efento", source="barn at 10.0.0.1", reason="x",
                           body=b"{}", route="/api/v4/gateways/heartbeat")
        )
        for _ in range(2)
    ]  # fmt: skip
    found = app.routes.resolve("POST", "/api/v4/gateways/heartbeat")

    async def broken(_request):
        raise ZeroDivisionError

    object.__setattr__(found.bound.route, "handler", broken)

    done = await call(app, "quarantine.replay", all=True)

    assert done["failed"] == 2
    assert "the plugin failed on it" in done["messages"][0]["problem"]
    assert app.core.store.quarantine.count == len(numbers)


async def test_a_route_that_refuses_keeps_the_message(app):
    async def refuse(_request):
        from hub.http import Response

        return Response(503)

    found = app.routes.resolve("POST", "/api/v4/measurements")
    object.__setattr__(found.bound.route, "handler", refuse)
    await app.core.store.quarantine.add(
        QuarantineItem(received=1, plugin="efento", source="x", reason="x", body=b"{}",
                       route="POST /api/v4/measurements")
    )  # fmt: skip

    done = await call(app, "quarantine.replay", plugin="efento")

    assert done["messages"][0]["problem"] == "the route answered 503; the message stays"


async def test_status_tells_what_exists(app):
    status = await perform(OPERATIONS, app, "status", {}, silent)

    assert json.loads(json.dumps(status)) == status
    assert status["plugins"]["efento"] == "running"
    assert (await perform(OPERATIONS, app, "notices.list", {}, silent))["problems"] == []


def test_a_password_is_not_shown():
    assert "long enough" not in repr(NewUser(name="a", role="viewer", password="long enough"))


def test_routes_and_sources_are_taken_apart():
    assert method_and_path("POST /x") == ("POST", "/x")
    assert method_and_path("/x") == ("POST", "/x")
    assert principal_and_peer("cold store at home at 10.0.0.1") == (
        "cold store at home",
        "10.0.0.1",
    )
    assert principal_and_peer("None at 10.0.0.1") == (None, "10.0.0.1")
    assert principal_and_peer("10.0.0.1") == (None, "10.0.0.1")

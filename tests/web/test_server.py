import asyncio
import json
import socket
import ssl

import pytest
import trustme

from hub.clock import SystemClock
from hub.errors import ConfigError, HubError, PluginError
from hub.http import Response, Route
from hub.web import unix
from hub.web.auth import Bearer
from hub.web.gate import Phase
from hub.web.server import Server
from hub.web.tls import server_context

GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"


async def answer(request):
    return Response(200, b"fine")


def get(handler=answer, path="/x", access="public"):
    return Route("GET", path, handler, access=access)


def make_server(table):
    return Server(table, authenticate=Bearer(lambda _: None), clock=SystemClock())


async def test_while_the_hub_starts_only_vital_routes_are_answered(serve, table, barn_zone):
    table.add("hub", [get(path="/vital")], is_vital=True)
    hub = await serve(get(), get(path="/api/v4/x"), zones=[barn_zone], is_accepting=False)

    assert (await hub.ask("GET", "/vital")).status == 200
    reply = await hub.ask("GET", "/api/v4/x")
    assert (reply.status, json.loads(reply.body)["says"]) == (503, "the hub is starting")
    assert (await hub.ask("GET", "/nothing")).status == 503

    hub.server.accept()
    assert (await hub.ask("GET", "/x")).status == 200


async def test_stopping_finishes_what_is_in_flight_and_refuses_what_comes(serve):
    go_on, begun = asyncio.Event(), asyncio.Event()

    async def slow(request):
        begun.set()
        await go_on.wait()
        return Response(201, b"committed")

    hub = await serve(get(slow), get(path="/y"))
    busy, idle = await hub.wire(), await hub.wire()
    await idle.ask(b"GET /y HTTP/1.1\r\nHost: h\r\n\r\n")
    await busy.send(GET)
    await begun.wait()

    stopping = asyncio.ensure_future(hub.server.stop())
    await asyncio.sleep(0.05)

    reply = await idle.ask(b"GET /y HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (reply.status, reply.headers["Connection"]) == (503, "close")
    with pytest.raises(ConnectionRefusedError):
        await hub.wire()
    go_on.set()
    reply = await busy.answer()
    assert (reply.status, reply.body, reply.headers["Connection"]) == (201, b"committed", "close")
    assert await stopping is True
    assert hub.server.phase is Phase.STOPPING


async def test_what_hangs_is_cut_off_when_the_grace_is_over(serve, caplog):
    cancelled = asyncio.Event()

    async def hang(request):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    hub = await serve(get(hang))
    wire = await hub.wire()
    await wire.send(GET)
    await hub.until(lambda: hub.server.gate.in_flight)

    async with asyncio.timeout(5):
        assert await hub.server.stop(grace=0.1) is False

    assert cancelled.is_set()
    assert "requests cut off count=1" in caplog.text
    assert await wire.is_closed()


async def test_stopping_twice_or_before_listening_is_harmless(table):
    server = make_server(table)

    assert await server.stop() is True
    await server.listen("127.0.0.1", 0)
    await server.stop()
    assert await server.stop() is True


async def test_refused_requests_are_told_so_before_the_listeners_close(serve):
    hub = await serve(get())

    hub.server.refuse()

    assert (await hub.ask("GET", "/x")).status == 503


async def test_port_0_is_any_free_port_and_the_url_tells_which(table):
    server = make_server(table)

    urls = await server.listen("127.0.0.1", 0)
    more = await server.listen("::1", 0)
    await server.stop()

    assert urls[0].startswith("http://127.0.0.1:")
    assert not urls[0].endswith(":0")
    assert more[0].startswith("http://[::1]:")


@pytest.mark.parametrize(
    ("host", "port", "reason"),
    [
        ("127.0.0.1", None, "the port is in use by another program"),
        ("203.0.113.1", 0, "no such address"),
        ("no-such-host.invalid", 0, "can't listen on no-such-host.invalid port 0"),
        ("a" * 64 + ".example", 0, "can't listen on"),
        ("127.0.0.1", 99999, "can't listen on 127.0.0.1 port 99999"),
    ],
)
async def test_an_address_that_can_not_be_used_is_one_clear_sentence(table, host, port, reason):
    server = make_server(table)
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(HubError, match=reason) as failed,
    ):
        await server.listen(host, taken.getsockname()[1] if port is None else port)

    assert "\n" not in str(failed.value)
    await server.stop()


# -- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def files(authority, tmp_path):
    issued = authority.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    issued.private_key_pem.write_to_path(key)
    for part in issued.cert_chain_pems:
        part.write_to_path(certificate, append=True)
    return certificate, key


async def test_tls_comes_from_two_files(serve, files, authority):
    hub = await serve(get(), tls=server_context(*files))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    assert hub.url.startswith("https://")
    async with hub.session.get(hub.url + "/x", ssl=trusting) as reply:
        assert (reply.status, await reply.read()) == (200, b"fine")


async def test_plain_http_at_a_tls_port_does_no_harm(serve, files, authority):
    hub = await serve(get(), tls=server_context(*files))
    wire = await hub.wire()
    await wire.send(GET)
    assert await wire.is_closed()

    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with hub.session.get(hub.url + "/x", ssl=trusting) as reply:
        assert reply.status == 200


def test_a_missing_tls_file_is_named(files, tmp_path):
    with pytest.raises(ConfigError, match=r"none.crt: http.tls.certificate: No such file"):
        server_context(tmp_path / "none.crt", files[1])
    with pytest.raises(ConfigError, match=r"none.key: http.tls.key: No such file"):
        server_context(files[0], tmp_path / "none.key")


def test_a_key_that_does_not_fit_is_told(files, authority, tmp_path):
    other = tmp_path / "other.key"
    authority.issue_cert("other.example").private_key_pem.write_to_path(other)

    with pytest.raises(ConfigError, match="does not belong to the certificate"):
        server_context(files[0], other)


def test_files_that_are_no_pem_are_told(files, tmp_path):
    (tmp_path / "garbage").write_bytes(b"\x00garbage")

    with pytest.raises(ConfigError, match="expected a PEM certificate"):
        server_context(tmp_path / "garbage", files[1])


# -- the control socket ---------------------------------------------------------------------------


async def ask(path, method="GET", target="/x", body=None):
    return await asyncio.to_thread(unix.call, path, method, target, body)


@pytest.mark.parametrize("depth", [0, 12])
async def test_the_control_socket_serves_at_any_length_of_path(table, tmp_path, depth):
    folder = tmp_path.joinpath(*["a-rather-long-name"] * depth)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "hub.sock"
    table.add("barn", [get(path="/barn", access="owner")])
    server = make_server(table)
    seen = []

    async def control(request):
        seen.append(request)
        return Response(200, request.body)

    await server.serve_unix(path, [Route("POST", "/control", control, access="owner")])
    await server.listen("127.0.0.1", 0)

    assert path.stat().st_mode & 0o777 == 0o600
    assert await ask(path, "POST", "/control", b"do it") == (200, b"do it")
    assert (seen[0].peer, seen[0].principal.role) == ("local", "owner")
    assert (await ask(path, target="/barn"))[0] == 503
    server.accept()
    assert await ask(path, target="/barn") == (200, b"fine")
    assert (await ask(path, target="/none"))[0] == 404

    await server.stop()
    assert not path.exists()


async def test_control_routes_are_on_the_socket_alone(serve, tmp_path):
    hub = await serve()
    await hub.server.serve_unix(tmp_path / "hub.sock", [get(path="/control")])

    assert (await hub.ask("GET", "/control")).status == 404
    assert (await ask(tmp_path / "hub.sock", target="/control"))[0] == 200


async def test_the_socket_of_a_hub_that_is_gone_is_replaced(table, tmp_path):
    path = tmp_path / "hub.sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    server = make_server(table)

    await server.serve_unix(path, [get()])

    assert (await ask(path))[0] == 200
    await server.stop()


async def test_the_socket_of_a_running_hub_is_left_alone(table, tmp_path):
    path = tmp_path / "hub.sock"
    first, second = make_server(table), make_server(table)
    await first.serve_unix(path, [get()])

    with pytest.raises(HubError, match="another running hub"):
        await second.serve_unix(path, [get()])

    await second.stop()
    assert (await ask(path))[0] == 200
    await first.stop()


async def test_a_socket_path_that_can_not_be_used_is_told(table, tmp_path):
    server = make_server(table)
    (tmp_path / "file").write_text("mine")

    with pytest.raises(HubError, match="something else is there"):
        await server.serve_unix(tmp_path / "file")
    with pytest.raises(HubError, match="No such file"):
        await server.serve_unix(tmp_path / "none" / "hub.sock")
    with pytest.raises(PluginError):
        await server.serve_unix(tmp_path / "hub.sock", [get(), get()])
    assert (tmp_path / "file").read_text() == "mine"
    await server.stop()


@pytest.mark.parametrize("name", ["hub.sock", "hub.sock" + "x" * 120])
def test_without_a_hub_a_command_is_told_so(tmp_path, name):
    with pytest.raises(HubError, match="the hub does not answer"):
        unix.call(tmp_path / name, "GET", "/")

import asyncio
import datetime as dt

import pytest
from aiohttp import web

from hub.web.client import HttpClient


@pytest.fixture
async def serve():
    """Serve one handler on a free port; return its URL."""
    runners = []

    async def start(handler):
        runner = web.ServerRunner(web.Server(handler))
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        return f"http://{host}:{port}/x"

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_a_body_is_posted_and_the_answer_returned(serve):
    async def handler(request):
        text = f"{request.method} {request.headers['X-Api-Token']} {await request.text()}"
        return web.Response(status=201, text=text)

    url = await serve(handler)
    async with HttpClient() as client:
        for _ in range(2):
            answer = await client.post(url, {"X-Api-Token": "t"}, b"body")
            assert answer == (201, b"POST t body")


async def test_a_redirect_is_an_answer(serve):
    async def handler(_request):
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with HttpClient() as client:
        status, _ = await client.post(await serve(handler), {}, b"")

    assert status == 302


async def test_a_long_answer_is_cut_off(serve):
    async def handler(_request):
        return web.Response(body=b"x" * 3_000_000)

    async with HttpClient() as client:
        status, body = await client.post(await serve(handler), {}, b"")

    assert (status, len(body)) == (200, 1024 * 1024)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "not a url", "http://[::1"])
async def test_no_answer_is_an_os_error(url):
    async with HttpClient() as client:
        with pytest.raises(OSError, match=r"127|not a url|::1"):
            await client.post(url, {}, b"")


async def test_an_answer_that_takes_too_long_is_an_os_error(serve):
    async def handler(request):
        await request.read()
        await asyncio.sleep(5)

    url = await serve(handler)
    async with HttpClient(timeout=dt.timedelta(seconds=0.05)) as client:
        with pytest.raises(TimeoutError, match="no answer in time"):
            await client.post(url, {}, b"")


async def test_it_has_to_be_entered_first():
    client = HttpClient()
    with pytest.raises(RuntimeError, match="async with"):
        await client.post("http://127.0.0.1:1/", {}, b"")
    await client.__aexit__(None, None, None)

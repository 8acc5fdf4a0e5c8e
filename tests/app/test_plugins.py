"""Plugins in a hub that runs, and those that stop doing so."""

import asyncio
import contextlib

import pytest

from hub import Action, Problem, Response, Route, Zone
from hub.testing import Client


class Crasher:
    """The hooks of a plugin whose lifespan crashes when it is told to."""

    def __init__(self):
        self.may_crash = asyncio.Event()
        self.has_ended = False

    def register_routes(self, ctx):
        async def answer(_request):
            return Response(200, b"here")

        return [Route("GET", "/crasher", answer, access="public")]

    def register_zones(self, ctx):
        def problem(_request, problem: Problem):
            return Response(problem.status, b"crasher's")

        return [Zone(prefix="/crasher", problem=problem)]

    def register_actions(self, ctx):
        async def act(_call):
            return None

        return [Action("crasher.act", act)]

    @contextlib.asynccontextmanager
    async def lifespan(self, ctx):
        async def work():
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.3)
                self.has_ended = True

        ctx.spawn(work(), name="work")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._crash())
            yield

    async def _crash(self):
        await self.may_crash.wait()
        raise RuntimeError("the radio is gone")


@pytest.fixture
def crasher():
    return Crasher()


@pytest.fixture
def hub_plugins(crasher, make_plugin):
    def lifespan(ctx):
        return crasher.lifespan(ctx)

    def register_routes(ctx):
        return crasher.register_routes(ctx)

    def register_zones(ctx):
        return crasher.register_zones(ctx)

    def register_actions(ctx):
        return crasher.register_actions(ctx)

    return {
        "crasher": make_plugin(
            lifespan=lifespan,
            register_routes=register_routes,
            register_zones=register_zones,
            register_actions=register_actions,
        )
    }


async def until(condition):
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never came true")


async def test_a_plugin_whose_lifespan_crashes_is_taken_out_and_told(hub, crasher):
    client = Client(hub.url)
    assert (await client.get("/crasher")).body == b"here"

    crasher.may_crash.set()
    await until(lambda: hub.plugin("crasher").status == "failed")
    await until(lambda: crasher.has_ended)

    [notice] = hub.app.core.notices.all()
    assert notice.key == "plugin.crasher"
    assert notice.message == "lifespan: RuntimeError: the radio is gone"
    reply = await client.get("/crasher")
    assert reply.status == 404
    assert b"crasher's" not in reply.body
    assert hub.actions.get("crasher.act") is None
    assert hub.app.host.context_of("crasher") is None
    await hub.stop()


async def test_a_lifespan_that_ends_with_the_hub_is_no_crash(hub, crasher):
    plugin, notices = hub.plugin("crasher"), hub.app.core.notices

    await hub.stop()

    assert plugin.status == "stopped"
    assert notices.all() == []
    assert crasher.has_ended


async def test_the_hub_waits_at_its_end_for_what_a_crashed_plugin_leaves(hub, crasher):
    crasher.may_crash.set()
    await until(lambda: hub.plugin("crasher").status == "failed")
    assert not crasher.has_ended  # it takes a moment

    await hub.app.host.stop()

    assert crasher.has_ended

import asyncio
import contextlib
import itertools
import sys
import textwrap

import pytest

from hub import loader as loader_module
from hub.loader import Loader, explain

VERSION = "0.1.0.dev0"
_numbers = itertools.count()
HEAD = """
import asyncio
import contextlib
from hub import Route, hookimpl, json_response
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Install fake distributions: a module and its metadata on the path, as pip leaves them."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    modules = set()

    def install(name, source="", *, requires=(), metadata=True, point=""):
        # The name of the module is the test's own: modules stay imported.
        module = f"loaded_{next(_numbers)}"
        modules.add(module)
        (folder / f"{module}.py").write_text(HEAD + textwrap.dedent(source))
        info = folder / f"{module}-1.2.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {module}", "Version: 1.2"]
        lines += [f"Requires-Dist: {line}" for line in requires]
        if metadata:
            (info / "METADATA").write_text("\n".join(lines) + "\n")
        (info / "entry_points.txt").write_text(f"[hub]\n{name} = {module}{point}\n")
        return module

    yield install
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def load():
    def discover(**options):
        loader = Loader(VERSION, **options)
        loader.discover()
        return loader

    return discover


GOOD = """
@hookimpl
def register_routes(ctx):
    return [Route("GET", f"/{ctx}", None)]
"""


def test_an_installed_plugin_is_found_with_its_version(site, load):
    site("good", GOOD)

    loader = load()
    plugin = loader.plugins["good"]

    assert (plugin.status, plugin.version, plugin.error) == ("loaded", "1.2", None)
    assert plugin.is_usable
    [route] = loader.gather(plugin, "register_routes", ctx="x")
    assert route.path == "/x"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise RuntimeError('no sensor')", "RuntimeError: no sensor"),
        ("raise SystemExit(3)", "it called exit(3)"),
        ("import a_module_that_is_not_there", "ModuleNotFoundError: No module named"),
        ("def broken(:", "SyntaxError"),
        ("raise asyncio.CancelledError", "CancelledError"),
        ("raise RuntimeError", "RuntimeError"),
    ],
)
def test_a_plugin_that_can_not_be_imported_is_named_and_the_others_load(
    site, load, caplog, source, error
):
    module = site("broken", source)
    site("good", GOOD)

    plugins = load().plugins

    assert plugins["broken"].status == "failed"
    assert plugins["broken"].error.startswith(f"import of {module}: {error}")
    assert not plugins["broken"].is_usable
    assert plugins["good"].status == "loaded"
    assert "plugin failed plugin=broken" in caplog.text


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("@hookimpl\ndef register_rotues(ctx): ...", "unknown hook register_rotues"),
        ("@hookimpl\ndef register_routes(ctx, colour): ...", "colour"),
    ],
)
def test_a_misspelt_hook_or_argument_is_named(site, load, source, error):
    site("typo", source)
    site("good", GOOD)

    loader = load()

    assert loader.plugins["typo"].status == "failed"
    assert error in loader.plugins["typo"].error
    assert loader.plugins["good"].status == "loaded"
    assert loader.gather(loader.plugins["typo"], "register_routes", ctx=1) == []


def test_what_a_plugin_imports_is_not_mistaken_for_a_hook(site, load):
    site("mocks", "from unittest.mock import call, MagicMock\nthing = MagicMock()\n" + GOOD)

    assert load().plugins["mocks"].status == "loaded"


@pytest.mark.parametrize(
    ("requires", "fits"),
    [
        ((), True),
        (("fieldhub>=0.1.0.dev0,<0.2",), True),
        (("FieldHub",), True),
        (("requests>=99",), True),
        (("fieldhub>=0.2",), False),
        (("requests", "fieldhub<0.1.0.dev0"), False),
        (("fieldhub>=0.2 ; extra == 'test'",), True),
        (("fieldhub>=0.2 ; python_version >= '3'",), False),
        (("fieldhub>=0.2 ; python_version < '3'",), True),
        (("!!! not a requirement",), True),
    ],
)
def test_a_plugin_for_another_version_is_refused_without_being_imported(site, load, requires, fits):
    module = site("old", GOOD, requires=requires)

    plugin = load().plugins["old"]

    assert plugin.status == ("loaded" if fits else "failed")
    assert (module in sys.modules) is fits
    if not fits:
        assert plugin.error.startswith("needs fieldhub")
        assert plugin.error.endswith(f"this is {VERSION}")


def test_a_distribution_without_metadata_harms_nobody(site, load):
    site("bare", GOOD, metadata=False)
    site("good", GOOD)

    plugins = load().plugins

    assert plugins["good"].status == "loaded"
    assert plugins["bare"].status in {"loaded", "failed"}


def test_a_disabled_plugin_is_shown_and_never_imported(site, load):
    module = site("sleepy", "raise RuntimeError")

    plugin = load(disabled=["sleepy"]).plugins["sleepy"]

    assert (plugin.status, plugin.error, plugin.version) == ("disabled", None, "1.2")
    assert module not in sys.modules


def test_of_two_plugins_of_one_name_the_second_is_refused_and_told(site, load, caplog):
    site("twin", GOOD)
    second = site("twin", GOOD)

    plugin = load().plugins["twin"]

    assert plugin.status == "loaded"
    assert len(plugin.refused) == 1
    assert "name=twin" in caplog.text
    assert second


def test_an_object_in_a_module_can_be_a_plugin(site, load):
    source = """
    class Plugin:
        @hookimpl
        def register_routes(self, ctx):
            return [Route("GET", ctx, None)]
    plugin = Plugin()
    """
    site("object", source, point=":plugin")

    loader = load()

    [route] = loader.gather(loader.plugins["object"], "register_routes", ctx="/a")
    assert route.path == "/a"


def test_a_plugin_that_defends_itself_against_being_looked_at_fails_alone():
    class Prickly:
        @property
        def spine(self):
            raise RuntimeError("ouch")

    loader = Loader(VERSION)

    plugin = loader.add("prickly", Prickly())

    assert plugin.status == "failed"
    assert "ouch" in plugin.error


def test_a_plugin_can_be_added_without_being_installed():
    loader = Loader(VERSION, disabled=["off"])

    assert loader.add("empty", object()).status == "loaded"
    assert loader.add("off", object()).status == "disabled"
    assert loader.call(loader.plugins["empty"], "register_routes", ctx=1) is None
    assert loader.gather(loader.plugins["empty"], "register_routes", ctx=1) == []


@pytest.fixture
def plugin_of(site, load):
    """Install and load one plugin; return its loader and the plugin."""

    def make(source):
        site("under_test", source)
        loader = load()
        plugin = loader.plugins["under_test"]
        assert plugin.status == "loaded", plugin.error
        return loader, plugin

    return make


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("raise ValueError('bad')", "register_routes: ValueError: bad"),
        ("raise SystemExit(1)", "register_routes: it called exit(1)"),
        ("return 5", "register_routes: expected a sequence, TypeError: 'int' object"),
        ("yield 1 / 0", "register_routes: expected a sequence, ZeroDivisionError"),
        ("return ['/path']", "register_routes: expected Route objects, got '/path'"),
    ],
)
def test_a_hook_that_fails_marks_its_plugin(plugin_of, body, error):
    loader, plugin = plugin_of(f"@hookimpl\ndef register_routes(ctx):\n    {body}\n")

    assert loader.gather(plugin, "register_routes", ctx=1) == []

    assert plugin.status == "failed"
    assert plugin.error.startswith(error)
    plugin.fail("something else")
    assert plugin.error.startswith(error)


# -- lifespans ------------------------------------------------------------------------------------


def lifespan(body):
    indented = textwrap.indent(textwrap.dedent(body), "    ")
    return f"@hookimpl\n@contextlib.asynccontextmanager\nasync def lifespan(ctx):\n{indented}\n"


@pytest.fixture(autouse=True)
def _short_times(monkeypatch):
    monkeypatch.setattr(loader_module, "START_SECONDS", 0.1)
    monkeypatch.setattr(loader_module, "STOP_SECONDS", 0.1)
    monkeypatch.setattr("hub.lifespan._GRACE_SECONDS", 0.1)


async def test_a_lifespan_is_entered_and_left_in_one_task(plugin_of):
    loader, plugin = plugin_of(
        lifespan("""
        ctx.append(asyncio.current_task())
        yield
        ctx.append(asyncio.current_task())
        """)
    )
    seen = []

    await loader.start(plugin, seen)
    assert (plugin.status, len(seen)) == ("running", 1)
    await loader.stop(plugin)

    assert plugin.status == "stopped"
    assert seen[0] is seen[1] is not asyncio.current_task()
    await loader.stop(plugin)


async def test_a_plugin_without_a_lifespan_runs(plugin_of):
    loader, plugin = plugin_of(GOOD)

    await loader.start(plugin, None)
    assert plugin.status == "running"
    await loader.stop(plugin)
    assert plugin.status == "stopped"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (lifespan("raise ValueError('no port')\nyield"), "lifespan: ValueError: no port"),
        (lifespan("raise SystemExit(2)\nyield"), "lifespan: it called exit(2)"),
        (lifespan("raise asyncio.CancelledError\nyield"), "lifespan: CancelledError"),
        (lifespan("raise TimeoutError('camera')\nyield"), "lifespan: TimeoutError: camera"),
        (lifespan("await asyncio.sleep(60)\nyield"), "lifespan: did not start within 0.1 s"),
        (lifespan("return\nyield"), "lifespan: RuntimeError: generator didn't yield"),
        ("@hookimpl\ndef lifespan(ctx):\n    return 5", "lifespan: expected an async context"),
        ("@hookimpl\nasync def lifespan(ctx):\n    yield", "lifespan: expected an async context"),
        ("@hookimpl\ndef lifespan(ctx):\n    raise ValueError('x')", "lifespan: ValueError: x"),
        (
            lifespan("""
            while True:
                try:
                    await asyncio.sleep(0.5)
                    break
                except asyncio.CancelledError:
                    pass
            yield
            """),
            "lifespan: did not start within 0.1 s",
        ),
    ],
)
async def test_a_lifespan_that_does_not_start_fails_its_plugin_alone(plugin_of, source, error):
    loader, plugin = plugin_of(source)

    async with asyncio.timeout(5):
        await loader.start(plugin, None)
        await loader.stop(plugin)

    assert plugin.status == "failed"
    assert plugin.error.startswith(error)
    await asyncio.sleep(0.6 if "except" in source else 0)


async def test_a_start_that_is_given_up_ends_what_it_began(plugin_of):
    loader, plugin = plugin_of(
        lifespan("""
        try:
            await asyncio.sleep(60)
        finally:
            ctx.append("tidied")
        yield
        """)
    )
    seen = []

    await loader.start(plugin, seen)

    assert seen == ["tidied"]


@pytest.mark.parametrize(
    "body",
    [
        "yield\nraise ValueError('late')",
        "yield\nawait asyncio.sleep(60)",
        "yield\nraise SystemExit(1)",
    ],
)
async def test_a_lifespan_that_does_not_end_well_holds_up_nobody(plugin_of, caplog, body):
    loader, plugin = plugin_of(lifespan(body))
    await loader.start(plugin, None)

    async with asyncio.timeout(5):
        await loader.stop(plugin)

    assert plugin.status == "stopped"
    assert "under_test" in caplog.text


async def test_a_task_group_of_a_plugin_that_breaks_fails_the_plugin_and_not_the_hub(plugin_of):
    loader, plugin = plugin_of(
        "async def poll():\n    await asyncio.sleep(0.01)\n    raise OSError('gone')\n"
        + lifespan("""
        async with asyncio.TaskGroup() as group:
            group.create_task(poll())
            yield
        """)
    )
    await loader.start(plugin, None)
    assert plugin.status == "running"

    await asyncio.sleep(0.1)

    assert (plugin.status, plugin.error) == ("failed", "lifespan: OSError: gone")
    await loader.stop(plugin)


async def test_who_starts_a_plugin_may_be_cancelled_and_the_plugin_goes_too(plugin_of):
    loader, plugin = plugin_of(
        lifespan("""
        try:
            await asyncio.sleep(60)
        finally:
            ctx.append("tidied")
        yield
        """)
    )
    seen = []
    task = asyncio.ensure_future(loader.start(plugin, seen))
    await asyncio.sleep(0.01)
    task.cancel()

    with contextlib.suppress(asyncio.CancelledError):
        await task

    assert seen == ["tidied"]


def test_errors_are_explained_in_one_line():
    assert explain(ValueError("a\nb")) == "ValueError: a"
    assert explain(ValueError()) == "ValueError"
    assert explain(ExceptionGroup("many", [OSError("first"), ValueError()])) == "OSError: first"
    assert explain(SystemExit(4)) == "it called exit(4)"

"""Every hook has its heading, its signature and an example, and each example really works."""

import inspect
import re
import types
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import attrs
import pytest
import typer

from hub import Action, Route, Simulator, Topic, Zone, __version__, hookspecs
from hub.loader import Loader
from tests.house.tree import DOCS

PAGE = (DOCS / "reference" / "hooks.md").read_text(encoding="utf-8")
HOOKS = {name: hook for name, hook in vars(hookspecs).items() if hasattr(hook, "hub_spec")}
SECTIONS = dict(re.findall(r"^## (\w+)\(.*?\)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
RETURNED = {
    "register_config": type,
    "register_zones": Zone,
    "register_routes": Route,
    "register_topics": Topic,
    "register_actions": Action,
    "register_template_functions": Mapping,
    "register_simulators": Simulator,
    "register_commands": typer.Typer,
    "lifespan": AbstractAsyncContextManager,
}
every_hook = pytest.mark.parametrize("name", HOOKS)


def example(name):
    """Make a plugin of the example in a hook's section."""
    module = types.ModuleType(f"example_of_{name}")
    for block in re.findall(r"^```python\n(.*?)^```", SECTIONS[name], re.MULTILINE | re.DOTALL):
        exec(compile(block, f"hooks.md: {name}", "exec"), vars(module))
    return module


@every_hook
def test_a_hook_has_its_heading_with_its_signature(name):
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)

    assert f"\n## {name}({arguments})\n" in PAGE


@every_hook
def test_the_example_of_a_hook_is_a_plugin_that_returns_what_it_should(name):
    loader = Loader(__version__)
    plugin = loader.add("example", example(name))
    returned = loader.call(plugin, name, ctx=object())

    assert plugin.error is None
    things = returned if isinstance(returned, list) else [returned]
    assert things
    assert all(isinstance(thing, RETURNED[name]) for thing in things)


@every_hook
def test_a_hook_has_a_docstring_and_types(name):
    signature = inspect.signature(HOOKS[name])

    assert inspect.getdoc(HOOKS[name])
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not p.empty for p in signature.parameters.values())


def test_the_page_has_no_hook_that_is_gone():
    assert list(SECTIONS) == list(HOOKS)
    assert set(RETURNED) == set(HOOKS)


def test_the_example_of_a_configuration_has_defaults():
    cls = example("register_config").register_config()

    assert attrs.has(cls)
    assert cls().greeting == "hello"


async def test_the_example_of_a_lifespan_starts_and_stops(caplog):
    class Given:
        """As much of a context as the example uses."""

        name = "example"
        subscribed = 0

        def __init__(self):
            import logging

            self.log = logging.getLogger("example")

        def subscribe(self, event, handler):
            self.subscribed += 1

    loader = Loader(__version__)
    plugin = loader.add("example", example("lifespan"))
    given = Given()
    with caplog.at_level("INFO"):
        await loader.start(plugin, given)
        assert plugin.status == "running"
        await loader.stop(plugin)

    assert given.subscribed == 1
    assert [record.message for record in caplog.records] == ["hello", "goodbye"]


def test_a_misspelt_hook_is_named():
    module = example("register_actions")
    module.register_action = module.register_actions
    plugin = Loader(__version__).add("example", module)

    assert plugin.status == "failed"
    assert "register_action" in plugin.error

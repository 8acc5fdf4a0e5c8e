"""Plugins: found by their entry points, checked, set up one by one.

A plugin that can't be imported, does not fit this version, or raises while it is set up is named
with its error, and everything else runs. Nothing a plugin does may end the hub.
"""

import asyncio
import importlib.metadata
import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any

import pluggy
from attrs import define, field
from packaging.requirements import InvalidRequirement, Requirement

from hub import hookspecs
from hub.action import Action
from hub.errors import HubError, PluginError
from hub.http import Route, Zone
from hub.lifespan import Lifespan
from hub.simulation import Simulator
from hub.topics import Topic

log = logging.getLogger(__name__)

GROUP = "hub"
DISTRIBUTION = "fieldhub"
START_SECONDS = 10.0
STOP_SECONDS = 5.0

# What a plugin's code may raise: its own errors, its wish to end the program, and a cancellation
# that escaped from something it waited for.
_ITS_OWN = (Exception, SystemExit, asyncio.CancelledError)

_KINDS: dict[str, type] = {
    "register_actions": Action,
    "register_routes": Route,
    "register_simulators": Simulator,
    "register_topics": Topic,
    "register_zones": Zone,
}
"""What the sequences hold that hooks return."""


@define(slots=True, eq=False)
class Plugin:
    """One plugin and how it is doing.

    ``status`` is loaded, running, failed, disabled or stopped.
    """

    name: str
    version: str | None = None
    module: Any = None
    status: str = "loaded"
    error: str | None = None
    routes: list[str] = field(factory=list)
    topics: list[str] = field(factory=list)
    refused: list[str] = field(factory=list)
    counters: dict[str, int] = field(factory=dict)
    message_count: int = 0
    last_message_us: int | None = None
    _lifespan: Lifespan | None = None

    def fail(self, problem: str) -> None:
        """Mark the plugin failed; the first problem is the one that is shown."""
        self.status = "failed"
        if self.error is None:
            self.error = problem
            log.error("plugin failed plugin=%s error=%s", self.name, problem)

    @property
    def is_usable(self) -> bool:
        """Whether its hooks may be called."""
        return self.status in {"loaded", "running"}


def explain(error: BaseException) -> str:
    """Write an exception as one line for the user."""
    if isinstance(error, BaseExceptionGroup):
        return explain(error.exceptions[0])
    if isinstance(error, SystemExit):
        return f"it called exit({error.code})"
    text = str(error).strip().splitlines()
    first = text[0] if text else ""
    if isinstance(error, HubError) and first:
        return first
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


class Loader:
    """All plugins of this installation."""

    def __init__(self, version: str, *, disabled: Iterable[str] = ()) -> None:
        self._version = version
        self._disabled = frozenset(disabled)
        self._manager = pluggy.PluginManager("hub")
        self._manager.add_hookspecs(hookspecs)
        self.plugins: dict[str, Plugin] = {}

    def discover(self) -> None:
        """Import every plugin with an entry point in the group ``hub``."""
        for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda p: p.name):
            if point.name in self.plugins:
                self.plugins[point.name].refused.append(
                    f"second plugin of this name: {point.value}"
                )
                log.warning("plugin name taken twice name=%s ignored=%s", point.name, point.value)
                continue
            plugin = self.plugins[point.name] = Plugin(point.name)
            try:
                plugin.version = point.dist.version if point.dist is not None else None
                misfit = self._misfit(point.dist)
            except _ITS_OWN as err:
                misfit = f"the metadata of its distribution can't be read: {explain(err)}"
            if point.name in self._disabled:
                plugin.status = "disabled"
            elif misfit:
                plugin.fail(misfit)
            else:
                self._import(plugin, point)

    def add(self, name: str, module: object) -> Plugin:
        """Add a plugin that is not installed; tests and examples use this."""
        plugin = self.plugins[name] = Plugin(name, module=module)
        if name in self._disabled:
            plugin.status = "disabled"
        else:
            self._register(plugin)
        return plugin

    def call(self, plugin: Plugin, hook: str, **arguments: Any) -> Any:  # noqa: ANN401 - each hook has its own
        """Call one plugin's part of a hook; None if it has none.

        Raises:
            PluginError: It raised. The plugin is marked as failed.
        """
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            if implementation.plugin is plugin.module:
                wanted = {name: arguments[name] for name in implementation.argnames}
                try:
                    return implementation.function(**wanted)
                except _ITS_OWN as err:
                    log.debug("hook raised plugin=%s hook=%s", plugin.name, hook, exc_info=True)
                    plugin.fail(f"{hook}: {explain(err)}")
                    raise PluginError(plugin.name, f"{hook}: {explain(err)}") from err
        return None

    def gather(self, plugin: Plugin, hook: str, **arguments: Any) -> list[Any]:  # noqa: ANN401 - as above
        """Call a hook that returns a sequence; an empty list if the plugin has none or fails."""
        kind = _KINDS.get(hook, object)
        try:
            result = self.call(plugin, hook, **arguments)
            found = [] if result is None else list(result)
        except PluginError:
            return []
        except _ITS_OWN as err:  # also a generator's, which runs only now
            plugin.fail(f"{hook}: expected a sequence, {explain(err)}")
            return []
        for item in found:
            if not isinstance(item, kind):
                plugin.fail(f"{hook}: expected {kind.__name__} objects, got {item!r:.100}")
                return []
        return found

    async def start(
        self, plugin: Plugin, ctx: object, crashed: Callable[[Plugin], None] | None = None
    ) -> None:
        """Enter a plugin's lifespan, within its time; a failure is the plugin's own.

        *crashed* is called when the lifespan raises later on, after the plugin was marked failed.
        """

        def fell(error: BaseException) -> None:
            plugin.fail(f"lifespan: {explain(error)}")
            if crashed is not None:
                crashed(plugin)

        try:
            manager = self.call(plugin, "lifespan", ctx=ctx)
        except PluginError:
            return
        if manager is not None:
            if not hasattr(manager, "__aenter__") or not hasattr(manager, "__aexit__"):
                plugin.fail(f"lifespan: expected an async context manager, got {manager!r:.100}")
                return
            lifespan = Lifespan(plugin.name, manager, fell)
            if not await lifespan.start(START_SECONDS):
                error = lifespan.error
                late = f"did not start within {START_SECONDS:g} s"
                plugin.fail(f"lifespan: {late if error is None else explain(error)}")
                return
            plugin._lifespan = lifespan  # noqa: SLF001 - the loader's own field
        if plugin.status == "loaded":
            plugin.status = "running"

    async def stop(self, plugin: Plugin) -> None:
        """Leave a plugin's lifespan, within its time."""
        lifespan, plugin._lifespan = plugin._lifespan, None  # noqa: SLF001 - the loader's own field
        if lifespan is not None and not await lifespan.stop(STOP_SECONDS):
            log.error("plugin does not stop plugin=%s", plugin.name)
        if plugin.status == "running":
            plugin.status = "stopped"

    # -- inside -----------------------------------------------------------------------------------

    def _import(self, plugin: Plugin, point: importlib.metadata.EntryPoint) -> None:
        try:
            plugin.module = point.load()
        except _ITS_OWN as err:
            log.debug("import raised plugin=%s", plugin.name, exc_info=True)
            plugin.fail(f"import of {point.value}: {explain(err)}")
        else:
            self._register(plugin)

    def _register(self, plugin: Plugin) -> None:
        try:
            self._manager.register(plugin.module, name=plugin.name)
            unknown = self._unknown_hooks(plugin.module)
            if unknown:
                plugin.fail(f"unknown hook {unknown}: hub.hookspecs lists the hooks there are")
        except pluggy.PluginValidationError as err:
            plugin.fail(" ".join(str(err).split()))
        except _ITS_OWN as err:  # what looking at the module set off
            plugin.fail(explain(err))
        if plugin.status == "failed" and self._manager.has_plugin(plugin.name):
            self._manager.unregister(name=plugin.name)

    def _unknown_hooks(self, module: object) -> str | None:
        for name, part in inspect.getmembers(module, callable):
            if isinstance(getattr(part, "hub_impl", None), dict) and not hasattr(hookspecs, name):
                return name
        return None

    def _misfit(self, dist: importlib.metadata.Distribution | None) -> str | None:
        """Say why a distribution does not fit this version of the hub, if it doesn't."""
        for line in (dist.requires if dist is not None else None) or ():
            try:
                requirement = Requirement(line)
            except InvalidRequirement:
                continue
            marker = requirement.marker
            if requirement.name.lower() != DISTRIBUTION:
                continue
            if marker is not None and not marker.evaluate({"extra": ""}):
                continue
            if not requirement.specifier.contains(self._version, prereleases=True):
                return f"needs {DISTRIBUTION}{requirement.specifier}, this is {self._version}"
        return None

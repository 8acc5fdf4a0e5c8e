"""Plugins wired into the hub: each gets its context, and what it returns gets its place."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from hub.action import Action
from hub.app.plugin_context import HubContext, Rooms
from hub.errors import HubError, PluginError
from hub.http import Route, Zone
from hub.loader import Loader, Plugin, explain
from hub.model import Notice
from hub.tasks import Tasks
from hub.topics import Topic

log = logging.getLogger(__name__)

ParseSection = Callable[[type, str], Any]
"""Parses the section of a plugin into its class; raises ConfigErrors."""


class Routes(Protocol):
    """Where routes go; the server's table."""

    def add(
        self, owner: str, routes: Sequence[Route] = (), zones: Sequence[Zone] = ()
    ) -> Callable[[], None]:
        """Add what *owner* claims, or raise PluginError."""
        ...


class PluginHost:
    """Sets plugins up one by one, starts them, and stops them in the opposite order."""

    def __init__(self, loader: Loader, rooms: Rooms, parse_section: ParseSection) -> None:
        self.loader = loader
        self._rooms = rooms
        self._parse_section = parse_section
        self._contexts: dict[str, HubContext] = {}
        self._removers: dict[str, list[Callable[[], object]]] = {}
        self._topics: dict[str, str] = {}
        self._tasks = Tasks("plugins")
        self._fallen_count = 0
        self._has_tidied = asyncio.Event()
        self._has_tidied.set()
        self.template_functions: dict[str, Callable[..., Any]] = {}

    def context_of(self, name: str) -> HubContext | None:
        """Return the context of a plugin that is set up."""
        return self._contexts.get(name)

    def set_up(self, routes: Routes) -> None:
        """Give each usable plugin its context and take in what its hooks return."""
        for plugin in self.loader.plugins.values():
            if plugin.is_usable:
                try:
                    self._set_up(plugin, routes)
                except PluginError:  # the plugin is marked and logged already
                    self._undo(plugin)
                except HubError as err:
                    plugin.fail(explain(err))
                    self._undo(plugin)
            if plugin.status == "failed":
                self._notice(plugin)

    async def start(self) -> None:
        """Enter every plugin's lifespan, all at once: a slow one holds up nobody."""
        await asyncio.gather(
            *(self._start(self.loader.plugins[name], ctx) for name, ctx in self._contexts.items())
        )

    async def _start(self, plugin: Plugin, context: HubContext) -> None:
        await self.loader.start(plugin, context, self._crashed)
        if plugin.status == "failed":
            self._take_out(plugin)
            await context.close()

    def _crashed(self, plugin: Plugin) -> None:
        """Take out a plugin whose lifespan ended by itself; its tasks end soon after."""
        context = self._take_out(plugin)
        if context is not None:
            self._fallen_count += 1
            self._has_tidied.clear()
            self._tasks.spawn(self._tidy(context), name=f"end of {plugin.name}")

    async def _tidy(self, context: HubContext) -> None:
        try:
            await context.close()
        finally:
            self._fallen_count -= 1
            if not self._fallen_count:
                self._has_tidied.set()

    def _take_out(self, plugin: Plugin) -> HubContext | None:
        self._notice(plugin)
        self._undo(plugin)
        return self._contexts.pop(plugin.name, None)

    async def stop(self) -> None:
        """Leave every lifespan, last started first, and end what the plugins started."""
        for plugin in reversed(self.loader.plugins.values()):
            context = self._contexts.pop(plugin.name, None)
            if context is None:
                continue
            await self.loader.stop(plugin)
            await context.close()
            self._undo(plugin)
        await self._has_tidied.wait()  # bounded: a task that does not stop is left alone

    def _set_up(self, plugin: Plugin, routes: Routes) -> None:
        loader = self.loader
        config_class = loader.call(plugin, "register_config")
        config = self._parse_section(config_class, plugin.name) if config_class else None
        context = HubContext(plugin, self._rooms, config)
        removers = self._removers.setdefault(plugin.name, [])
        zones = loader.gather(plugin, "register_zones", ctx=context)
        found = loader.gather(plugin, "register_routes", ctx=context)
        topics = loader.gather(plugin, "register_topics", ctx=context)
        actions = loader.gather(plugin, "register_actions", ctx=context)
        functions = loader.call(plugin, "register_template_functions", ctx=context) or {}
        if not plugin.is_usable:
            raise PluginError(plugin.name, plugin.error or "failed")
        try:
            removers.append(routes.add(plugin.name, found, zones))
            self._claim_topics(plugin, topics)
            self._add_actions(plugin, actions)
            self._add_functions(plugin, functions)
        except PluginError as err:
            plugin.fail(err.problem)
            raise
        plugin.routes = [f"{route.method} {route.path}" for route in found]
        plugin.topics = [topic.filter for topic in topics]
        self._contexts[plugin.name] = context

    def _claim_topics(self, plugin: Plugin, topics: Sequence[Topic]) -> None:
        for topic in topics:
            holder = self._topics.get(topic.filter)
            if holder is not None:
                raise PluginError(
                    plugin.name, f"topic {topic.filter} is claimed by {plugin.name} and by {holder}"
                )
        for topic in topics:
            self._topics[topic.filter] = plugin.name

    def _add_actions(self, plugin: Plugin, actions: Sequence[Action]) -> None:
        for action in actions:
            owned = Action(
                action.name,
                action.handler,
                action.description,
                action.fields,
                action.response,
                plugin.name,
            )
            try:
                remove = self._rooms.actions.register(owned)
            except HubError as err:
                raise PluginError(plugin.name, str(err)) from err
            self._removers[plugin.name].append(remove)

    def _add_functions(self, plugin: Plugin, functions: Mapping[str, Callable[..., Any]]) -> None:
        for name, function in functions.items():
            if name in self.template_functions:
                raise PluginError(plugin.name, f"template function {name} exists already")
            self.template_functions[name] = function
            self._removers[plugin.name].append(partial(self.template_functions.pop, name, None))

    def _undo(self, plugin: Plugin) -> None:
        for remove in self._removers.pop(plugin.name, []):
            remove()
        for name in [f for f, holder in self._topics.items() if holder == plugin.name]:
            del self._topics[name]

    def _notice(self, plugin: Plugin) -> None:
        self._rooms.notices.put(
            Notice(
                key=f"plugin.{plugin.name}",
                title=f"Plugin {plugin.name} does not run",
                message=plugin.error or "",
                severity="error",
            )
        )

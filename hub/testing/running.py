"""A real hub for tests: it listens on a free port and keeps everything in the test's folder."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from hub.actions import Actions
from hub.app import App
from hub.app.plugin_context import HubContext
from hub.bus import Bus
from hub.clock import Clock
from hub.config import load
from hub.errors import PluginError
from hub.loader import Plugin
from hub.registry.registry import Registry
from hub.states import States
from hub.storage.rows import Row
from hub.testing import faults
from hub.testing.client import Client
from hub.testing.events import Recorder
from hub.testing.plugins import PickedLoader

_OWNER = "tester"


class RunningHub:
    """One hub on a folder. *plugins* by name are used instead of the installed ones, if given.

    *config* is what ``hub.yaml`` holds beside the listener: sections of plugins, automations.
    """

    def __init__(
        self,
        folder: Path,
        *,
        config: Mapping[str, Any] | None = None,
        plugins: Mapping[str, object] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.folder = folder
        self.events = Recorder()
        self._plugins = plugins
        self._clock = clock
        self._app: App | None = None
        self._token: str | None = None
        settings = {"http": {"port": 0}, **(config or {})}
        # JSON is YAML.
        (folder / "hub.yaml").write_text(json.dumps(settings, indent=2, default=str))

    async def start(self) -> None:
        """Start it.

        Raises:
            HubError: The folder or the configuration can't be used.
        """
        loader = None if self._plugins is None else PickedLoader(self._plugins)
        app = App(self.folder, load(self.folder), clock=self._clock, loader=loader)
        self.events.attach(app.core.bus)
        try:
            await app.open()
            self._app = app
            await app.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop it, as SIGTERM does; twice is harmless."""
        app, self._app = self._app, None
        if app is not None:
            await app.stop()

    async def restart(self) -> None:
        """Stop it and start it again on the same folder."""
        await self.stop()
        await self.start()

    # -- what it consists of ----------------------------------------------------------------------

    @property
    def app(self) -> App:
        """The hub itself; its insides may change with any version."""
        if self._app is None:
            raise RuntimeError("the hub is not running")
        return self._app

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.app.urls["http"]

    @property
    def clock(self) -> Clock:
        """Its clock."""
        return self.app.core.clock

    @property
    def bus(self) -> Bus:
        """Its bus."""
        return self.app.core.bus

    @property
    def states(self) -> States:
        """Its states."""
        return self.app.core.states

    @property
    def actions(self) -> Actions:
        """Its actions."""
        return self.app.core.actions

    @property
    def registry(self) -> Registry:
        """Its registry."""
        return self.app.core.registry

    @property
    def quarantine_count(self) -> int:
        """How many messages lie in the quarantine."""
        return self.app.core.store.quarantine.count

    def plugin(self, name: str) -> Plugin:
        """Return a plugin's status, error and counters."""
        return self.app.loader.plugins[name]

    def context(self, name: str) -> HubContext:
        """Return what a plugin that runs was given.

        Raises:
            PluginError: It does not run; the message says why.
        """
        found = self.app.host.context_of(name)
        if found is None:
            plugin = self.app.loader.plugins.get(name)
            problem = "there is no such plugin" if plugin is None else plugin.error or "not running"
            raise PluginError(name, problem)
        return found

    # -- what a test does with it -----------------------------------------------------------------

    async def client(self) -> Client:
        """Return a client with an owner's token."""
        if self._token is None:
            core = self.app.core
            user = await core.users.add(_OWNER, "owner")
            self._token = await core.tokens.add(user, "hub.testing")
        return Client(self.url, token=self._token)

    async def settled(self) -> None:
        """Wait until everything that is on disk shows in states and events."""
        applier = self.app.core.ingest.applier
        await asyncio.sleep(0)
        while not applier.is_idle:  # noqa: ASYNC110 - it has no end to wait for, only pauses
            await asyncio.sleep(0)

    async def history(self, entity_id: str, *, limit: int = 1000) -> list[Row]:
        """Return the stored readings of an entity, oldest first."""
        core = self.app.core
        series = core.registry.by_entity_id[entity_id].entity.series
        return await core.store.history.rows(series, limit=limit)

    def stalled_writer(self) -> AbstractAsyncContextManager[None]:
        """Let the disk not answer within an ``async with`` block."""
        return faults.stalled_writer(self.app.core.store.writer)

    def full_disk(self) -> AbstractAsyncContextManager[None]:
        """Let the disk be full within an ``async with`` block."""
        return faults.full_disk(self.app.core.store.writer)

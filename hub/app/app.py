"""One hub, from its folder to its listeners."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hub.accounts.users import User
from hub.app.control import control_routes
from hub.app.core import Core
from hub.app.metrics import core_metrics, plugin_metrics
from hub.app.outgoing import Outgoing
from hub.app.plugin_context import Rooms
from hub.app.plugins import PluginHost
from hub.app.spools import QuarantineSpools
from hub.app.upkeep import Upkeep
from hub.automation.builtin import register_actions
from hub.automation.engine import Automations
from hub.clock import Clock
from hub.config import Settings, load
from hub.config.settings import MAIN_FILE
from hub.events import HubStarted, HubStarting, HubStopping
from hub.loader import Loader
from hub.model import Notice
from hub.storage.schema import Progress
from hub.version import VERSION
from hub.web import api, health, history, metrics
from hub.web.auth import Bearer
from hub.web.counts import Counts
from hub.web.dialect import CORE
from hub.web.health import LoopLag, server_metrics
from hub.web.metrics import Collector
from hub.web.routing import RouteTable
from hub.web.server import Server
from hub.web.tls import server_context

log = logging.getLogger(__name__)

SOCKET = "hub.sock"


class App:
    """The whole hub. ``open`` is enough for a command, ``start`` makes it serve."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        clock: Clock | None = None,
        loader: Loader | None = None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.core = Core(folder, settings, clock)
        self.loader = loader or Loader(VERSION, disabled=settings.plugins.disabled)
        self.routes = RouteTable(Counts())
        self.automations: Automations
        self.server: Server | None = None
        self.urls: dict[str, str] = {}
        self.bearer = Bearer(self._verify)
        core = self.core
        self.upkeep = Upkeep(core.ingest, core.store, core.clock, core.forget_deleted)
        rooms = Rooms(
            clock=core.clock,
            bus=core.bus,
            actions=core.actions,
            registry=core.registry,
            ingest=core.ingest,
            notices=core.notices,
        )
        self.host = PluginHost(self.loader, rooms, self._parse_section)
        self._is_started = False
        self._outgoing = Outgoing()
        self._ends: list[Callable[[], object]] = []

    async def open(self, progress: Progress | None = None) -> None:
        """Open the folder and set the plugins up; nothing listens yet.

        Raises:
            HubError: The folder can't be used; nothing was changed.
        """
        await self.core.open(progress)
        try:
            self.loader.discover()
            self.host.set_up(self.routes)
            self._warn_of_sections()
            self._load_automations()
        except BaseException:
            await self.core.close()
            raise

    async def start(self) -> None:
        """Serve: listeners first, then plugins and automations, then messages are taken.

        Raises:
            HubError: An address can't be used, or the TLS files don't fit.
        """
        core, http = self.core, self.settings.http
        tls = server_context(http.tls.certificate, http.tls.key) if http.tls else None
        server = self.server = Server(
            self.routes,
            authenticate=self.bearer,
            clock=core.clock,
            spools=QuarantineSpools(core.store.quarantine, core.clock),
        )
        self._add_own_routes(server)
        await server.listen(http.host, http.port, tls=tls)
        await server.serve_unix(self.folder / SOCKET, control_routes(self))
        self.urls = {"http": server.urls[0]}
        self._is_started = True
        now = core.clock.now_us()
        core.bus.publish(HubStarting(fired_us=now))
        await self.host.start()
        self.automations.start()
        self.upkeep.start()
        server.accept()
        core.bus.publish(HubStarted(fired_us=core.clock.now_us()))

    async def stop(self) -> None:
        """Stop: refuse what is new, finish what is under way, close everything."""
        if self._is_started:
            self._is_started = False
            self.core.bus.publish(HubStopping(fired_us=self.core.clock.now_us()))
            if self.server is not None:
                self.server.refuse()
            await self.automations.stop()
        await self.host.stop()
        await self._outgoing.close()
        if self.server is not None:
            await self.server.stop()
            self.server = None
        for end in self._ends:
            end()
        self._ends.clear()
        await self.upkeep.stop()
        await self.core.close()

    def _load_automations(self) -> None:
        core = self.core
        self.automations = Automations(
            bus=core.bus,
            states=core.states,
            actions=core.actions,
            clock=core.clock,
            time_zone=self.settings.time_zone,
            functions=self.host.template_functions,
        )
        self.automations.reads_from(self._read_automations)
        register_actions(core.actions, notifications=core.notifications, post=self._outgoing.post)
        for error in self.automations.load(self.settings.automations, MAIN_FILE):
            core.notices.put(
                Notice(
                    key=f"automation.{error.file}:{error.line}",
                    title="An automation is wrong and does not run",
                    message=str(error),
                    severity="error",
                )
            )

    def _read_automations(self) -> tuple[object, str]:
        return load(self.folder).automations, MAIN_FILE

    def _add_own_routes(self, server: Server) -> None:
        core = self.core
        lag = LoopLag(core.clock)
        self._ends.append(lag.start())
        collectors: list[Collector] = [
            partial(server_metrics, server),
            lag.metrics,
            partial(core_metrics, core),
            partial(plugin_metrics, self.loader),
        ]
        found = history.finder(core.registry)
        self.routes.add(
            CORE,
            [
                *api.routes(core.states),
                *history.routes(core.store.history, found, core.clock, self.settings.time_zone),
                *metrics.routes(collectors),
            ],
            api.zones(),
        )
        alive = health.routes(
            server, can_store=self._can_store, has_problems=lambda: bool(core.notices.all())
        )
        self._ends.append(self.routes.add(CORE, alive, is_vital=True))

    def _can_store(self) -> bool:
        writer = self.core.store.writer
        return not writer.is_stalled and not writer.counters.is_full

    def _parse_section(self, cls: type, name: str) -> object:
        return self.settings.section(name, cls)

    def _verify(self, token: str) -> User | None:
        return self.core.tokens.verify(token)

    def _warn_of_sections(self) -> None:
        known = self.loader.plugins
        for problem in (*self.settings.problems, *self.settings.unclaimed(known)):
            log.warning("configuration %s", problem)
            self.core.notices.put(
                Notice(key=f"config.{problem}", title="Configuration", message=str(problem))
            )

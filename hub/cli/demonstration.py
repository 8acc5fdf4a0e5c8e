"""What ``hub run --simulate`` adds: simulated gateways, and a view of what their traffic does."""

import sys

from hub.app import App
from hub.cli.live import LiveView
from hub.cli.logs import secrets_in
from hub.cli.printer import Printer
from hub.simulation import Simulator, SimulatorOptions
from hub.tasks import Tasks
from hub.web.client import HttpClient

_GATEWAY_COUNT = 2


class Demonstration:
    """Simulated gateways of every plugin of a running hub; they reach it through its listener."""

    def __init__(self, app: App, url: str) -> None:
        self._tasks = Tasks("simulate")
        self._printer = Printer(sys.stdout)
        self._view = LiveView(app.core.bus, app.core.clock, self._printer)
        self._start(app, url)

    def _start(self, app: App, url: str) -> None:
        loader = app.host.loader
        for plugin in loader.plugins.values():
            context = app.host.context_of(plugin.name)
            if context is None:
                continue
            # What a gateway of this plugin identifies itself with, by the user's own files.
            token = next(iter(secrets_in(context.config)), None)
            for simulator in loader.gather(plugin, "register_simulators"):
                self._view.say(f"{simulator.description}, sending to {url}")
                self._tasks.spawn(self._run(simulator, url, token), name=simulator.name)

    async def close(self) -> None:
        """Stop the gateways and the view."""
        await self._tasks.stop(grace=1.0)
        self._view.close()
        self._printer.close()

    async def _run(self, simulator: Simulator, url: str, token: str | None) -> None:
        async with HttpClient() as client:
            await simulator.run(
                SimulatorOptions(
                    url=url,
                    token=token,
                    gateway_count=_GATEWAY_COUNT,
                    say=self._view.say,
                    post=client.post,
                )
            )

"""Every hook a plugin can implement.

All of them are for wiring: they run once, when the hub starts, and return data. A hook asks for
the arguments it wants by name. Traffic takes another way: it goes into the hub through
``ctx.ingest`` and comes out of it on the bus.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pluggy

from hub.action import Action
from hub.context import PluginContext
from hub.http import Route, Zone
from hub.simulation import Simulator
from hub.topics import Topic

hookspec = pluggy.HookspecMarker("hub")
hookimpl = pluggy.HookimplMarker("hub")


@hookspec
def register_config() -> type:  # type: ignore[empty-body]
    """Return the attrs class of the plugin's section in ``hub.yaml``.

    The section is parsed into it before any other hook of the plugin runs, and ``ctx.config``
    holds the result. Without this hook the plugin has no section.
    """


@hookspec
def register_zones(ctx: PluginContext) -> Sequence[Zone]:  # type: ignore[empty-body]
    """Return the URL zones whose dialect is the plugin's."""


@hookspec
def register_routes(ctx: PluginContext) -> Sequence[Route]:  # type: ignore[empty-body]
    """Return the plugin's HTTP routes."""


@hookspec
def register_topics(ctx: PluginContext) -> Sequence[Topic]:  # type: ignore[empty-body]
    """Return the MQTT topic filters the plugin handles."""


@hookspec
def register_actions(ctx: PluginContext) -> Sequence[Action]:  # type: ignore[empty-body]
    """Return actions that automations and clients can call."""


@hookspec
def register_template_functions(  # type: ignore[empty-body]
    ctx: PluginContext,
) -> Mapping[str, Callable[..., Any]]:
    """Return functions that templates can call, by name. They must be pure and quick."""


@hookspec
def register_simulators() -> Sequence[Simulator]:  # type: ignore[empty-body]
    """Return simulated gateways that send real traffic to a hub."""


@hookspec
def register_commands() -> object:
    """Return a typer application; it appears as ``hub PLUGIN …``."""


@hookspec
def lifespan(ctx: PluginContext) -> AbstractAsyncContextManager[None]:  # type: ignore[empty-body]
    """Return an async context manager that is entered at start and left at stop.

    It is the one hook that may wait. It has ten seconds to start and five to stop.
    """

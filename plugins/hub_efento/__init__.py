"""Efento gateways: BLE loggers of temperature, humidity, pressure and more, over HTTP."""

from collections.abc import Sequence

from hub import PluginContext, Route, Simulator, Zone, hookimpl
from hub_efento import routes
from hub_efento.config import EfentoConfig
from hub_efento.simulate import run


@hookimpl
def register_config() -> type:
    """Return the class of the section ``efento``."""
    return EfentoConfig


@hookimpl
def register_zones(ctx: PluginContext) -> Sequence[Zone]:
    """Return Efento's part of the URL space."""
    return routes.zones(ctx)


@hookimpl
def register_routes(ctx: PluginContext) -> Sequence[Route]:
    """Return the routes of measurements and heartbeats."""
    return routes.routes(ctx)


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """Return simulated gateways."""
    return [Simulator("efento", "Efento gateways with loggers of every type", run)]

"""``hub simulate``: gateways that send what real ones send."""

import asyncio
import datetime as dt
import math
from typing import Annotated
from urllib.parse import urlsplit

import typer

from hub.cli.session import session_of
from hub.errors import PluginError
from hub.loader import Loader
from hub.simulation import Simulator, SimulatorOptions
from hub.version import VERSION
from hub.web.client import HttpClient


def simulate(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Which gateways; without a name, all are listed.")
    ] = None,
    *,
    url: Annotated[
        str | None, typer.Option(help="The hub's address, such as http://127.0.0.1:8480.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="FIELDHUB_SIMULATE_TOKEN",
            help="What the gateways identify themselves with; the environment keeps it out of "
            "sight of other users.",
        ),
    ] = None,
    gateways: Annotated[int, typer.Option(min=1, max=10_000, help="How many gateways.")] = 1,
    every: Annotated[float, typer.Option(help="Seconds between two rounds.")] = 5.0,
    duration: Annotated[
        float | None, typer.Option("--for", help="Stop after so many seconds; else at Ctrl-C.")
    ] = None,
) -> None:
    """Send real traffic of simulated gateways to a hub."""
    session = session_of(context)
    simulators = installed_simulators()
    if name is None:
        for simulator in simulators.values():
            session.output.line(f"{simulator.name}  {simulator.description}")
        if not simulators:
            session.output.line("no plugin offers simulated gateways")
        return
    if name not in simulators:
        raise typer.BadParameter(
            f"{name!r}: expected one of {', '.join(simulators) or 'none, no plugin offers any'}",
            param_hint="NAME",
        )
    asyncio.run(
        _simulate(
            simulators[name],
            url=_checked_url(url),
            token=token,
            gateway_count=gateways,
            every=_seconds(every, "--every"),
            duration=None if duration is None else _seconds(duration, "--for"),
            say=session.output.line,
        )
    )


def installed_simulators() -> dict[str, Simulator]:
    """Return the simulators of all plugins by name; a plugin that fails has none."""
    loader = Loader(VERSION)
    loader.discover()
    found: dict[str, Simulator] = {}
    for plugin in loader.plugins.values():
        if plugin.is_usable:
            for simulator in loader.gather(plugin, "register_simulators"):
                found.setdefault(simulator.name, simulator)
    return found


async def _simulate(simulator: Simulator, **options: object) -> None:
    async with HttpClient() as client:
        try:
            await simulator.run(SimulatorOptions(post=client.post, **options))  # type: ignore[arg-type]
        except OSError as err:
            raise PluginError(simulator.name, f"the simulation ended: {err}") from err


def _checked_url(url: str | None) -> str:
    if url is None:
        raise typer.BadParameter("say which hub to send to", param_hint="--url")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise typer.BadParameter(
            f"{url!r}: expected an address such as http://127.0.0.1:8480", param_hint="--url"
        )
    return url.rstrip("/")


def _seconds(number: float, option: str) -> dt.timedelta:
    if not math.isfinite(number) or not 0 < number <= 366 * 86_400:
        raise typer.BadParameter(f"{number}: expected seconds above 0", param_hint=option)
    return dt.timedelta(seconds=number)

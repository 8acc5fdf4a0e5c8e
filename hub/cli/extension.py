"""Commands that plugins add: ``hub PLUGIN …``."""

import typer
from typer.core import TyperGroup
from typer.main import get_group

from hub.cli.session import find_folder
from hub.config import load
from hub.errors import ConfigErrors, PluginError
from hub.loader import Loader
from hub.version import VERSION


class HubGroup(TyperGroup):
    """The hub's own commands, and those of plugins where no own one has the name.

    Plugins are only imported when a name is not the hub's, or for the list of all. One that fails
    is named on standard error and costs nobody else anything.
    """

    _added: "dict[str, TyperGroup] | None" = None

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # its base
        """Return the names of all commands."""
        own = super().list_commands(ctx)
        return [*own, *(name for name in self._of_plugins(ctx) if name not in own)]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperGroup | None:  # type: ignore[override]
        """Return a command by its name."""
        own = super().get_command(ctx, cmd_name)
        return own if own is not None else self._of_plugins(ctx).get(cmd_name)  # type: ignore[return-value]

    def _of_plugins(self, ctx: typer.Context) -> "dict[str, TyperGroup]":
        if self._added is None:
            self._added = _find(_disabled(ctx))
        return self._added


def _disabled(ctx: typer.Context) -> tuple[str, ...]:
    try:
        return load(find_folder(ctx.params.get("config"))).plugins.disabled
    except ConfigErrors:  # a command that needs the settings tells what is wrong with them
        return ()


def _find(disabled: tuple[str, ...]) -> "dict[str, TyperGroup]":
    loader = Loader(VERSION, disabled=disabled)
    loader.discover()
    found: dict[str, TyperGroup] = {}
    for plugin in loader.plugins.values():
        if not plugin.is_usable:
            continue
        try:
            app = loader.call(plugin, "register_commands")
        except PluginError as err:
            typer.echo(f"hub: {err}", err=True)
            continue
        if isinstance(app, typer.Typer):
            name = plugin.name.replace("_", "-")
            found[name] = get_group(app)
            found[name].name = name
        elif app is not None:
            typer.echo(
                f"hub: plugin {plugin.name}: register_commands: expected a typer.Typer, "
                f"got {type(app).__name__}",
                err=True,
            )
    return found

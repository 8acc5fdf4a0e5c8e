"""What the command line asks of a hub, by name: the same beside a running hub as without one."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec
from attrs import frozen
from msgspec import Struct

from hub.app.core import Core
from hub.app.plugins import PluginHost
from hub.app.saving import save_backup
from hub.automation.engine import Automations
from hub.clock import from_us
from hub.config import Settings
from hub.errors import HubError, RegistryError
from hub.loader import Plugin
from hub.version import VERSION
from hub.web.routing import RouteTable

Say = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is; on any thread."""


class OpenHub(Protocol):
    """What operations need of an open hub."""

    folder: Path
    settings: Settings
    core: Core
    host: PluginHost
    automations: Automations
    routes: RouteTable
    urls: dict[str, str]


@frozen
class Operation:
    """One operation: *takes* is the struct of its arguments, what *run* returns fits into JSON."""

    takes: type[Struct]
    run: Callable[[OpenHub, Any, Say], Awaitable[object]]


async def perform(
    operations: Mapping[str, Operation],
    hub: OpenHub,
    name: str,
    arguments: object,
    say: Say,
) -> object:
    """Run one of *operations*; return what fits into JSON.

    Raises:
        HubError: There is no such operation, its arguments don't fit, or it failed.
    """
    operation = operations.get(name)
    if operation is None:
        raise HubError(
            f"operation {name[:60]!r}: this hub (version {VERSION}) does not have it; "
            "the command line may be of another version, so restart the hub"
        )
    try:
        taken = msgspec.convert(arguments, operation.takes)
    except msgspec.ValidationError as err:
        raise HubError(f"operation {name}: {err}") from err
    return await operation.run(hub, taken, say)


class Nothing(Struct, forbid_unknown_fields=True):
    """No arguments."""


class NewUser(Struct, forbid_unknown_fields=True, kw_only=True):
    """Arguments of ``user.add``."""

    name: str
    role: str
    password: str | None = None

    def __repr__(self) -> str:
        return f"NewUser(name={self.name!r}, role={self.role!r})"


class NewToken(Struct, forbid_unknown_fields=True, kw_only=True):
    """Arguments of ``token.add``."""

    user: str
    label: str


class NewBackup(Struct, forbid_unknown_fields=True, kw_only=True):
    """Arguments of ``backup``: *file* is an absolute path."""

    file: str
    force: bool = False


async def add_user(hub: OpenHub, wanted: NewUser, _say: Say) -> object:
    """Add a user.

    Raises:
        RegistryError: The name, the role or the password is not allowed.
        StorageError: It could not be written.
    """
    user = await hub.core.users.add(wanted.name, wanted.role, wanted.password)
    return {"id": user.id, "name": user.name, "role": user.role.value}


async def add_token(hub: OpenHub, wanted: NewToken, _say: Say) -> object:
    """Make a token.

    Raises:
        RegistryError: There is no such user, or the label is not allowed.
        StorageError: It could not be written.
    """
    user = hub.core.users.get(wanted.user)
    if user is None:
        raise RegistryError(
            f"user {wanted.user[:60]!r}: there is no such user; hub user add makes one"
        )
    return {"token": await hub.core.tokens.add(user, wanted.label)}


async def list_plugins(hub: OpenHub, _nothing: Nothing, _say: Say) -> object:
    """Tell how every plugin is doing."""
    return [plugin_report(plugin) for plugin in hub.host.loader.plugins.values()]


def plugin_report(plugin: Plugin) -> dict[str, object]:
    """Tell how one plugin is doing."""
    return {
        "name": plugin.name,
        "version": plugin.version,
        "status": plugin.status,
        "error": plugin.error,
        "refused": plugin.refused,
        "routes": plugin.routes,
        "topics": plugin.topics,
        "messages": plugin.message_count,
        "last_message": moment(plugin.last_message_us),
        "counters": plugin.counters,
    }


async def list_automations(hub: OpenHub, _nothing: Nothing, _say: Say) -> object:
    """Tell how every automation is doing, in the order of the files."""
    return [
        {
            "entity_id": one.entity_id,
            "id": one.id,
            "alias": one.alias,
            "state": one.state,
            "runs": one.run_count,
            "last_triggered": None
            if one.last_triggered is None
            else one.last_triggered.isoformat(timespec="seconds"),
            "reason": one.reason,
        }
        for one in hub.automations.all()
    ]


async def list_notices(hub: OpenHub, _nothing: Nothing, _say: Say) -> object:
    """List the problems that exist now, and the notifications."""
    core = hub.core
    return {
        "problems": [
            {"key": n.key, "severity": n.severity, "title": n.title, "message": n.message}
            for n in core.notices.all()
        ],
        "notifications": [dict(one) for one in core.notifications.all()],
    }


async def show_status(hub: OpenHub, _nothing: Nothing, _say: Say) -> object:
    """Tell in a few figures how the hub is doing."""
    core = hub.core
    registry, quarantine = core.registry, core.store.quarantine
    plugins = hub.host.loader.plugins.values()
    return {
        "name": hub.settings.name,
        "version": VERSION,
        "folder": str(hub.folder),
        "running": bool(hub.urls),
        "urls": hub.urls,
        "gateways": len(registry.gateways),
        "devices": len(registry.devices),
        "entities": len(registry.by_entity_id),
        "users": len(core.users),
        "quarantine": {
            "messages": quarantine.count,
            "bytes": quarantine.byte_count,
            "dropped": quarantine.dropped_count,
        },
        "problems": len(core.notices.all()),
        "plugins": {plugin.name: plugin.status for plugin in plugins},
    }


async def back_up(hub: OpenHub, wanted: NewBackup, say: Say) -> object:
    """Write a backup.

    Raises:
        HubError: The file exists, or it can't be written.
    """
    return await save_backup(
        hub.core, Path(wanted.file), say, version=VERSION, is_replacing=wanted.force
    )


def moment(us: int | None) -> str | None:
    """Write a time in microseconds since 1970 as ISO 8601, to the second."""
    return None if us is None else from_us(us).replace(microsecond=0).astimezone(dt.UTC).isoformat()


COMMON: Mapping[str, Operation] = {
    "automations.list": Operation(Nothing, list_automations),
    "backup": Operation(NewBackup, back_up),
    "notices.list": Operation(Nothing, list_notices),
    "plugins.list": Operation(Nothing, list_plugins),
    "status": Operation(Nothing, show_status),
    "token.add": Operation(NewToken, add_token),
    "user.add": Operation(NewUser, add_user),
}

"""Opening the hub of a folder in this process."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from hub.app import App
from hub.app.app import SOCKET
from hub.app.lock import FolderLock
from hub.backup import finish_replacement
from hub.backup.replacement import STAGE
from hub.config import Settings, load
from hub.errors import FolderInUse, HubError
from hub.storage.schema import Progress
from hub.storage.versions import check_versions, versions_in
from hub.web import unix

T = TypeVar("T")


def read_settings(folder: Path) -> Settings:
    """Read the settings of a folder that can be used; changes nothing on disk.

    Raises:
        ConfigErrors: All that is wrong with the files.
        NewerSchema: A newer hub wrote what is stored there.
        HubError: The folder can't be read.
    """
    if not folder.is_dir():
        raise HubError(
            f"{folder}: there is no such folder; start the hub once with hub run, or name its "
            "folder with --config"
        )
    settings = load(folder)
    check_versions(versions_in(folder), str(folder))
    return settings


def finish_restore(folder: Path) -> bool:
    """Finish a restore that was cut short; tell whether there was one.

    Raises:
        FolderInUse: A hub runs on the folder.
        HubError: It can't be finished.
    """
    if not (folder / STAGE).exists():
        return False
    lock = FolderLock(folder)
    lock.take()
    try:
        return finish_replacement(folder)
    finally:
        lock.release()


def connect(folder: Path, seconds: float) -> socket.socket:
    """Connect to the control socket of the hub that runs on *folder*.

    Raises:
        OSError: No hub listens there.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.settimeout(seconds)
        with unix.address(folder / SOCKET) as target:
            client.connect(target)
    except OSError:
        client.close()
        raise
    return client


def is_served(folder: Path) -> bool:
    """Tell whether a running hub answers on the folder's control socket."""
    try:
        connect(folder, 5.0).close()
    except OSError:
        return False
    return True


def check_free(folder: Path, settings: Settings) -> None:
    """See whether this hub could start: nobody else runs it, and its port is free.

    Raises:
        FolderInUse: Another hub runs on the folder.
        HubError: Another program has the port.
    """
    if is_served(folder):
        raise FolderInUse(
            f"{folder}: another hub is running on this folder; stop it first, or name another "
            "folder with --config"
        )
    host, port = settings.http.host, settings.http.port
    if port:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:  # the server says what is wrong with it
            return
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                _bind(probe, address, host, port)


def _bind(probe: socket.socket, address: object, host: str, port: int) -> None:
    try:
        if probe.family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind(address)  # type: ignore[arg-type]  # as getaddrinfo gave it
    except OSError as err:
        if err.errno == errno.EADDRINUSE:
            raise HubError(
                f"http: port {port} of {host} is in use by another program: stop that one, or "
                "choose another http.port in hub.yaml"
            ) from err


def with_hub(folder: Path, work: Callable[[App], Awaitable[T]], progress: Progress) -> T:
    """Open the hub of *folder* without listeners, let *work* use it, and close it again.

    Raises:
        FolderInUse: Another process has it open.
        HubError: It can't be opened, or *work* failed.
    """
    finish_restore(folder)
    app = App(folder, read_settings(folder))

    async def opened() -> T:
        await app.open(progress)
        try:
            return await work(app)
        finally:
            await app.stop()

    return asyncio.run(opened())

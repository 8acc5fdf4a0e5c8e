"""Unix sockets: reachable for the hub's own user alone, under paths of any length."""

import contextlib
import http.client
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from hub.errors import HubError

# sockaddr_un holds 108 bytes with the final NUL (unix(7)); longer paths go through /proc.
_LONGEST_PATH = 100


@contextlib.contextmanager
def address(path: Path) -> Iterator[str]:
    """Give *path* as an address that fits a socket call, while the context lasts."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def bind(path: Path) -> socket.socket:
    """Make a socket at *path* that only its owner may use; nobody can connect before it listens.

    Raises:
        HubError: Somebody listens there, or the path can't be used.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        # On Linux the file takes its mode from the socket, so it is never open to others.
        os.fchmod(listener.fileno(), 0o600)
        with address(path) as target:
            listener.bind(target)
        path.chmod(0o600)
    except OSError as err:
        listener.close()
        raise HubError(f"control socket {path}: {err.strerror or err}") from err
    except HubError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def call(
    path: Path, method: str, target: str, body: bytes | None = None, *, seconds: float = 30.0
) -> tuple[int, bytes]:
    """Send one HTTP request to the hub that listens at *path*; return status and body.

    It blocks: it is for the command line, beside a running hub.

    Raises:
        HubError: No hub listens there, or it does not answer.
    """
    connection = _Connection(path, seconds)
    try:
        connection.request(method, target, body, {"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as err:
        raise HubError(f"control socket {path}: the hub does not answer ({err})") from err
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("hub", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = _connect(self._path, self.timeout or 30.0)


def _connect(path: Path, seconds: float) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.settimeout(seconds)
        with address(path) as target:
            client.connect(target)
    except OSError:
        client.close()
        raise
    return client


def _clear(path: Path) -> None:
    """Remove the socket of a hub that is gone."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise HubError(f"control socket {path}: something else is there, remove it")
    try:
        _connect(path, 1.0).close()
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
    else:
        raise HubError(f"control socket {path}: another running hub listens there")

"""Operations wherever the hub is: in the process that runs it, else in this one."""

import http.client
import json
import socket
import time
from pathlib import Path

from hub.app.control import OPERATIONS
from hub.app.operations import perform
from hub.cli.opening import connect, is_served, with_hub
from hub.cli.session import Session
from hub.errors import FolderInUse, HubError
from hub.storage.schema import Progress

_SECONDS = 60.0
# Another command may have the folder open for a moment, or a hub may be starting.
_PATIENCE = 15.0
_PAUSE = 0.2


def call(session: Session, operation: str, **arguments: object) -> object:
    """Perform an operation on the hub of the session's folder, with its progress on a terminal.

    Raises:
        HubError: It failed, or the hub can't be reached.
    """
    with session.output.progress() as say:
        return _call(session.folder, operation, arguments, say)


def _call(folder: Path, operation: str, arguments: dict[str, object], say: Progress) -> object:
    deadline = time.monotonic() + _PATIENCE
    while True:
        if is_served(folder):
            return call_running(folder, operation, arguments, say)
        try:
            return with_hub(
                folder, lambda app: perform(OPERATIONS, app, operation, arguments, say), say
            )
        except FolderInUse:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE)


def call_running(
    folder: Path, operation: str, arguments: dict[str, object], say: Progress
) -> object:
    """Perform an operation in the hub that runs on *folder*.

    Raises:
        HubError: It failed, or the hub went away.
    """
    connection = _Connection(folder)
    try:
        connection.request("POST", f"/op/{operation}", json.dumps(arguments))
        response = connection.getresponse()
        if response.status != 200:
            raise HubError(f"the running hub refused {operation}: {_message(response.read())}")
        while line := response.readline():
            if not line.strip():
                continue
            news = json.loads(line)
            if "progress" in news:
                say(*news["progress"])
            elif "error" in news:
                raise HubError(news["error"])
            else:
                return news["result"]
    except (OSError, ValueError, http.client.HTTPException) as err:
        raise HubError(f"{folder}: the running hub does not answer ({err})") from err
    finally:
        connection.close()
    raise HubError(f"{folder}: the running hub stopped before {operation} was done")


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, LookupError, TypeError):
        return body[:200].decode(errors="replace")


class _Connection(http.client.HTTPConnection):
    def __init__(self, folder: Path) -> None:
        super().__init__("hub", timeout=_SECONDS)
        self._folder = folder

    def connect(self) -> None:
        self.sock: socket.socket = connect(self._folder, _SECONDS)

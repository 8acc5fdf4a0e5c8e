"""Actions of the hub's own that automations call: log lines, notifications, an HTTP POST."""

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from hub.action import Action, ActionCall
from hub.actions import Actions
from hub.automation.periods import parse_period
from hub.errors import ActionError, InvalidActionData
from hub.ids import ulid

log = logging.getLogger("hub.automation.message")

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
_LONGEST_LINE = 4096
_LONGEST_MESSAGE = 16_384
_LARGEST_BODY = 1 << 20
_LARGEST_RESPONSE = 65_536
_TIMEOUT = dt.timedelta(seconds=10)
_LONGEST_TIMEOUT = dt.timedelta(minutes=5)

Post = Callable[[str, bytes, Mapping[str, str], dt.timedelta], Awaitable[tuple[int, bytes]]]
"""Sends ``url``, ``body``, ``headers`` within a time limit; returns status and body.

Raises :class:`~hub.errors.ActionError` where the address can't be reached in time.
"""


class Notifications(Protocol):
    """Where persistent notifications are kept; a small, bounded number of them."""

    async def create(self, notification_id: str, title: str | None, message: str) -> None:
        """Add a notification, or replace the one of that id."""
        ...

    async def dismiss(self, notification_id: str) -> None:
        """Remove a notification; one that is gone already is fine."""
        ...


def register_actions(
    actions: Actions, *, notifications: Notifications | None = None, post: Post | None = None
) -> Callable[[], None]:
    """Make the actions callable; return what takes them away again.

    ``log.write`` always; the notifications and ``http.post`` where what they need is given.
    """
    found = [
        Action(
            "log.write",
            _write,
            "Write a line to the hub's log.",
            {"message": "the line", "level": "debug, info, warning, error or critical"},
        )
    ]
    if notifications is not None:
        found += _notifying(notifications)
    if post is not None:
        found.append(_posting(post))
    stops = [actions.register(action) for action in found]

    def remove() -> None:
        for stop in stops:
            stop()

    return remove


async def _write(call: ActionCall) -> None:
    level = _LEVELS.get(call.text("level", "info").lower())
    if level is None:
        raise InvalidActionData(f"log.write: level: expected one of {', '.join(_LEVELS)}")
    # One call is one line, whatever a device put into the text.
    line = call.text("message")[:_LONGEST_LINE].replace("\r", " ").replace("\n", " ")
    log.log(level, "%s", line)


def _notifying(notifications: Notifications) -> list[Action]:
    async def create(call: ActionCall) -> None:
        title = call.data.get("title")
        notification_id = call.text("notification_id", ulid().lower())
        message = call.text("message")[:_LONGEST_MESSAGE]
        await notifications.create(
            notification_id[:255], None if title is None else str(title)[:255], message
        )

    async def notify(call: ActionCall) -> None:
        data = call.data.get("data")
        chosen = data.get("notification_id") if isinstance(data, Mapping) else None
        merged = {**call.data, "notification_id": call.data.get("notification_id", chosen)}
        kept = {key: value for key, value in merged.items() if value is not None}
        await create(
            ActionCall(domain=call.domain, name=call.name, data=kept, context=call.context)
        )

    async def dismiss(call: ActionCall) -> None:
        await notifications.dismiss(call.text("notification_id"))

    fields = {
        "message": "what to say",
        "title": "a headline",
        "notification_id": "the same id again replaces the notification",
    }
    return [
        Action("persistent_notification.create", create, "Show a notification.", fields),
        Action(
            "persistent_notification.dismiss",
            dismiss,
            "Take a notification away.",
            {"notification_id": "which one"},
        ),
        Action("notify.persistent_notification", notify, "Show a notification.", fields),
    ]


def _posting(post: Post) -> Action:
    async def send(call: ActionCall) -> Mapping[str, Any]:
        url = call.text("url")
        if not url.lower().startswith(("http://", "https://")):
            raise InvalidActionData("http.post: url: expected one that begins with http(s)://")
        headers = _headers(call.data.get("headers"))
        body = _body(call, headers)
        status, answer = await post(url, body, headers, _timeout(call))
        if status >= 400:
            host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
            raise ActionError(f"http.post: {host} answered with status {status}")
        return {"status": status, "content": _content(answer[:_LARGEST_RESPONSE])}

    fields = {
        "url": "the address",
        "json": "data to send as JSON",
        "body": "text to send instead",
        "headers": "further headers",
        "timeout": "how long to wait, 10 seconds by default",
    }
    return Action("http.post", send, "Send an HTTP POST.", fields, response="optional")


def _headers(given: object) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidActionData("http.post: headers: expected a mapping")
    headers = {str(name): str(value) for name, value in given.items()}
    if any("\n" in part or "\r" in part for pair in headers.items() for part in pair):
        raise InvalidActionData("http.post: headers: expected one line each")
    return headers


def _body(call: ActionCall, headers: dict[str, str]) -> bytes:
    if "json" in call.data and "body" in call.data:
        raise InvalidActionData("http.post: expected json or body, got both")
    if "json" in call.data:
        headers.setdefault("Content-Type", "application/json")
        try:
            body = msgspec.json.encode(call.data["json"])
        except (TypeError, ValueError, RecursionError) as err:
            raise InvalidActionData(f"http.post: json: {err}") from err
    else:
        body = call.text("body", "").encode()
    if len(body) > _LARGEST_BODY:
        raise InvalidActionData(f"http.post: the body is larger than {_LARGEST_BODY} bytes")
    return body


def _timeout(call: ActionCall) -> dt.timedelta:
    try:
        timeout = parse_period(call.data.get("timeout", _TIMEOUT))
    except ValueError as err:
        raise InvalidActionData(f"http.post: timeout: {err}") from err
    if not dt.timedelta() < timeout <= _LONGEST_TIMEOUT:
        raise InvalidActionData(f"http.post: timeout: expected at most {_LONGEST_TIMEOUT}")
    return timeout


def _content(body: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body.decode("utf-8", "replace")

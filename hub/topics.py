"""MQTT topics as plugins see them."""

from collections.abc import Awaitable, Callable

from attrs import frozen


@frozen
class Message:
    """One MQTT message. ``principal`` is who sent it."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    principal: object = None


@frozen
class Topic:
    """A topic filter and what handles its messages; the message is acknowledged on return."""

    filter: str
    handler: Callable[[Message], Awaitable[None]]

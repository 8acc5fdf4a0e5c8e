"""Simulated gateways as plugins declare them."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping

from attrs import field, frozen

from hub.clock import Clock, SystemClock

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]
"""Sends a body to a URL by POST and returns status and body of the answer; it follows no redirect.
Raises OSError if there is no answer."""


@frozen(kw_only=True)
class SimulatorOptions:
    """What ``hub simulate`` was asked for.

    ``url`` is the hub's address, ``token`` what the gateways identify themselves with, ``every``
    the time between two rounds of messages, ``duration`` the time until it stops by itself, and
    ``say`` prints one line for a person. ``post`` is an HTTP client.
    """

    url: str
    token: str | None = None
    gateway_count: int = 1
    every: dt.timedelta = dt.timedelta(seconds=5)
    duration: dt.timedelta | None = None
    say: Callable[[str], None] = print
    post: Post
    clock: Clock = field(factory=SystemClock)


@frozen
class Simulator:
    """Gateways that send what real ones send. ``run`` ends when it is cancelled or done."""

    name: str
    description: str
    run: Callable[[SimulatorOptions], Awaitable[None]]

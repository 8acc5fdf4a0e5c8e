"""How much the server takes on at once, and whether it takes anything."""

import asyncio
import datetime as dt
import enum

from attrs import frozen

from hub.http import MIB
from hub.web.counts import Counts, Tally
from hub.web.dialect import RefusalError


@frozen(kw_only=True)
class Limits:
    """Bounds that keep memory and waiting finite whatever is sent.

    ``owner_request_count`` keeps a plugin whose handlers hang from taking all of
    ``request_count``. ``body_bytes`` bounds the bodies of all requests together, and a body must
    arrive at ``body_rate`` bytes a second after the first ``body_pause``. ``write_pause`` is how
    long a reader may leave an answer unread, ``idle`` how long a connection may say nothing.
    """

    connection_count: int = 2000
    request_count: int = 1024
    owner_request_count: int = 768
    body_bytes: int = 64 * MIB
    body_pause: dt.timedelta = dt.timedelta(seconds=20)
    body_rate: int = 8 * 1024
    spool_count: int = 2
    write_pause: dt.timedelta = dt.timedelta(seconds=60)
    idle: dt.timedelta = dt.timedelta(seconds=75)


class Phase(enum.Enum):
    """What the server does with requests."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


class Gate:
    """Lets requests in, or says why not."""

    def __init__(self, limits: Limits, counts: Counts) -> None:
        self.limits = limits
        self.counts = counts
        self.phase = Phase.STARTING
        self.in_flight = 0
        self.body_bytes = 0
        self._emptied: asyncio.Future[None] | None = None

    def is_open(self, tally: Tally) -> bool:
        """Tell whether a request of this owner may come in."""
        return (
            self.phase is Phase.RUNNING
            and self.in_flight < self.limits.request_count
            and tally.in_flight < self.limits.owner_request_count
        )

    def refusal(self) -> RefusalError:
        """Say why the gate is not open."""
        if self.phase is not Phase.RUNNING:
            return RefusalError(503, f"the hub is {self.phase.value}")
        self.counts.overload_count += 1
        return RefusalError(503, "the hub has too much to do")

    def enter(self, tally: Tally) -> None:
        """Note that a request has come in."""
        self.in_flight += 1
        tally.in_flight += 1

    def leave(self, tally: Tally, body_bytes: int) -> None:
        """Note that a request has been answered and its body let go."""
        self.in_flight -= 1
        tally.in_flight -= 1
        self.body_bytes -= body_bytes
        if self.in_flight == 0:
            self._tell_emptied()

    def hold(self, byte_count: int) -> None:
        """Note bytes of a body that are now in memory; whoever calls gives them back.

        Raises:
            RefusalError: All bodies together have become too large. These bytes are not noted.
        """
        if self.body_bytes + byte_count > self.limits.body_bytes:
            self.counts.overload_count += 1
            raise RefusalError(503, "the hub holds too much already")
        self.body_bytes += byte_count

    async def emptied(self, seconds: float) -> bool:
        """Wait until nothing is in flight, at most *seconds*; tell whether it is so."""
        if self.in_flight:
            loop = asyncio.get_running_loop()
            self._emptied = loop.create_future()
            timer = loop.call_later(seconds, self._tell_emptied)
            await self._emptied
            timer.cancel()
        return not self.in_flight

    def _tell_emptied(self) -> None:
        if self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

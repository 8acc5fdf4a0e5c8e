"""Oversize bodies on their way from the server into the quarantine."""

from hub.clock import Clock
from hub.model import Quarantined
from hub.storage.quarantine import Quarantine
from hub.storage.spool import Spool
from hub.storage.writes import QuarantineItem


def item_of(part: Quarantined, received_us: int) -> QuarantineItem:
    """Make what the store keeps of what a plugin or the server puts aside."""
    return QuarantineItem(
        received=received_us,
        plugin=part.plugin,
        source=part.source,
        reason=part.reason,
        body=part.raw,
        route=part.route,
        part=part.part,
        headers=part.headers,
    )


class QuarantineSpools:
    """Begins spools in the quarantine's folder."""

    def __init__(self, quarantine: Quarantine, clock: Clock) -> None:
        self._quarantine = quarantine
        self._clock = clock

    def spool(self) -> "QuarantineSpool":
        """Begin a body.

        Raises:
            StorageBusy: Too many are under way.
        """
        return QuarantineSpool(self._quarantine.spool(), self._clock)


class QuarantineSpool:
    """One body that is written as it arrives."""

    def __init__(self, spool: Spool, clock: Clock) -> None:
        self._spool = spool
        self._clock = clock

    async def write(self, chunk: bytes) -> None:
        """Append to the body."""
        await self._spool.write(chunk)

    async def commit(self, item: Quarantined) -> int:
        """Put the body into the quarantine and return its number, once it is on disk."""
        return await self._spool.commit(item_of(item, self._clock.now_us()))

    async def abort(self) -> None:
        """Throw the body away; harmless after a commit."""
        await self._spool.abort()

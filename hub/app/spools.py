"""Oversize bodies on their way from the server into the quarantine."""

from hub.clock import Clock
from hub.ingest.prepared import item_of
from hub.model import Quarantined
from hub.storage.quarantine import Quarantine
from hub.storage.spool import Spool


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

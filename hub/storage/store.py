"""Everything that lies in the database file, opened and closed in the right order."""

import asyncio
import datetime as dt
from pathlib import Path

from attrs import frozen

from hub.clock import Clock
from hub.storage.committer import Fault
from hub.storage.database import Database, OpenReport
from hub.storage.history import History
from hub.storage.latest import load_latest
from hub.storage.quarantine import Quarantine
from hub.storage.readers import Readers
from hub.storage.records import Records
from hub.storage.reserve import MIB, Reserve
from hub.storage.retention import Retention
from hub.storage.ring import Ring
from hub.storage.rollups import Rollups
from hub.storage.schema import Progress
from hub.storage.writer import Writer
from hub.storage.writes import LatestRow


@frozen(kw_only=True)
class StoreSettings:
    """The bounds of a store; see `Database`, `Retention` and `Ring`."""

    synchronous: str = "full"
    keep: dt.timedelta | None = None
    max_bytes: int | None = None
    quarantine_bytes: int = 256 * MIB
    reserve_bytes: int = 16 * MIB


def _silent(_what: str, _done: int, _total: int) -> None:
    """Report nothing."""


class Store:
    """The parts of an open database."""

    def __init__(self, folder: Path, clock: Clock, settings: StoreSettings | None = None) -> None:
        settings = settings or StoreSettings()
        self.report = OpenReport()
        self.database = Database(folder, clock, synchronous=settings.synchronous)
        ring = Ring(folder, max_bytes=settings.quarantine_bytes)
        self.writer = Writer(self.database, ring, Reserve(folder, settings.reserve_bytes))
        self.readers = Readers(self.database)
        self.history = History(self.readers)
        self.records = Records(self.writer, self.readers)
        self.quarantine = Quarantine(self.writer, self.readers, ring)
        self.rollups = Rollups(self.writer, self.readers, clock)
        self.retention = Retention(
            self.writer, self.readers, clock, keep=settings.keep, max_bytes=settings.max_bytes
        )

    async def open(self, progress: Progress = _silent, *, fault: Fault | None = None) -> OpenReport:
        """Open or make the database and start the writer; return what was found.

        *progress* is called on another thread. *fault* is for tests (see `Committer`).

        Raises:
            NewerSchema: a newer hub wrote the file; nothing was changed.
            StorageError: the database cannot be used.
        """
        self.report = await asyncio.to_thread(self.database.open, progress)
        self.writer.fault = fault
        await self.writer.start()
        return self.report

    async def close(self) -> bool:
        """Finish what was handed over and close; tell whether all of it was."""
        await asyncio.to_thread(self.quarantine.close)
        await asyncio.to_thread(self.readers.close)
        return await self.writer.close()

    async def load_latest(self) -> list[LatestRow]:
        """Return the last value of each series, made good if the last stop was unclean."""
        is_repaired = self.report.was_unclean
        return await self.readers.run(lambda c: load_latest(c, is_repaired=is_repaired))

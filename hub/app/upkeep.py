"""What happens by the clock: presence, the checkpoint of states, roll-ups, retention."""

import asyncio
import logging

from hub.clock import Clock
from hub.errors import StorageError
from hub.ingest import Ingest
from hub.storage.store import Store
from hub.tasks import Tasks

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
# A checkpoint only: after an unclean stop the states are made good from the readings.
LATEST_SECONDS = 60.0
ROLLUP_SECONDS = 60.0
RETENTION_SECONDS = 3600.0


class Upkeep:
    """Runs the hub's recurring work in tasks of its own."""

    def __init__(self, ingest: Ingest, store: Store, clock: Clock) -> None:
        self._ingest = ingest
        self._store = store
        self._clock = clock
        self._tasks = Tasks("upkeep")
        self._is_retention_due = asyncio.Event()

    def start(self) -> None:
        """Start all of it."""
        self._store.writer.on_full = self._is_retention_due.set
        self._tasks.spawn(self._presence(), name="presence")
        self._tasks.spawn(self._latest(), name="latest")
        self._tasks.spawn(self._rollups(), name="roll-ups")
        self._tasks.spawn(self._retention(), name="retention")

    async def stop(self) -> None:
        """Stop, and write the states' last checkpoint."""
        await self._tasks.stop()
        await self.save_latest()

    async def save_latest(self) -> None:
        """Write the ``latest`` rows that are out of date; what fails is tried again next time."""
        while rows := self._ingest.take_latest():
            try:
                await self._store.writer.submit_latest(rows)
            except StorageError as err:
                self._ingest.give_back_latest(rows)
                log.warning("checkpoint of states failed error=%s", err)
                return

    async def _presence(self) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            self._ingest.presence.look()

    async def _latest(self) -> None:
        while True:
            await self._clock.sleep(LATEST_SECONDS)
            await self.save_latest()

    async def _rollups(self) -> None:
        while True:
            await self._clock.sleep(ROLLUP_SECONDS)
            try:
                await self._store.rollups.run()
            except StorageError as err:
                log.warning("roll-ups failed error=%s", err)

    async def _retention(self) -> None:
        while True:
            try:
                await self._store.retention.run()
            except StorageError as err:
                log.warning("retention failed error=%s", err)
            self._is_retention_due.clear()
            try:
                async with asyncio.timeout(RETENTION_SECONDS):
                    await self._is_retention_due.wait()
            except TimeoutError:
                pass

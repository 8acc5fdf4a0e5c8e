"""What happens by the clock: presence, the checkpoint of states, roll-ups, what is forgotten."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from hub.clock import Clock
from hub.errors import StorageError
from hub.ingest import Ingest
from hub.storage.store import Store
from hub.tasks import Tasks

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
PAUSE_SECONDS = 0.02
# A checkpoint only: after an unclean stop the states are made good from the readings.
LATEST_SECONDS = 60.0
ROLLUP_SECONDS = 60.0
RETENTION_SECONDS = 3600.0
DELETED_SECONDS = 86_400.0


class Upkeep:
    """Runs the hub's recurring work in tasks of its own."""

    def __init__(
        self,
        ingest: Ingest,
        store: Store,
        clock: Clock,
        forget_deleted: Callable[[], Awaitable[int]],
    ) -> None:
        self._ingest = ingest
        self._store = store
        self._clock = clock
        self._forget_deleted = forget_deleted
        self._tasks = Tasks("upkeep")
        self._is_retention_due = asyncio.Event()

    def start(self) -> None:
        """Start all of it."""
        self._store.writer.on_full = self._is_retention_due.set
        self._tasks.spawn(self._presence(), name="presence")
        self._tasks.spawn(self._latest(), name="latest")
        self._tasks.spawn(self._rollups(), name="roll-ups")
        self._tasks.spawn(self._retention(), name="retention")
        self._tasks.spawn(self._deleted(), name="deleted entities")

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
            while self._ingest.presence.look():
                await self._clock.sleep(PAUSE_SECONDS)

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

    async def _deleted(self) -> None:
        while True:
            try:
                await self._forget_deleted()
            except StorageError as err:
                log.warning("forgetting deleted entities failed error=%s", err)
            await self._clock.sleep(DELETED_SECONDS)

    async def _retention(self) -> None:
        while True:
            # Before the run: a disk that fills up during it is due again at once.
            self._is_retention_due.clear()
            try:
                await self._store.retention.run()
            except StorageError as err:
                log.warning("retention failed error=%s", err)
            try:
                async with asyncio.timeout(RETENTION_SECONDS):
                    await self._is_retention_due.wait()
            except TimeoutError:
                pass

"""The hub without its listeners: stores, registry, states, accounts. Commands work on this too."""

import asyncio
import datetime as dt
import gc
import logging
from pathlib import Path

from hub.accounts.passwords import Passwords
from hub.accounts.tokens import Tokens
from hub.accounts.users import Users
from hub.actions import Actions
from hub.app.lock import FolderLock
from hub.app.misfits import Misfits
from hub.app.notices import Notices, Notifications
from hub.backup import finish_replacement
from hub.bus import Bus
from hub.clock import Clock, SystemClock
from hub.config.settings import Settings
from hub.ingest import Ingest
from hub.model import Notice
from hub.registry.areas import Areas, Labels
from hub.registry.changes import Changes
from hub.registry.registry import DELETED, DEVICE, ENTITY, GATEWAY, Registry
from hub.states import States
from hub.storage.documents import Documents
from hub.storage.schema import Progress
from hub.storage.store import Store, StoreSettings
from hub.storage.versions import check_versions, versions_in
from hub.storage.writes import WriteBatch
from hub.tasks import Tasks

log = logging.getLogger(__name__)


class Core:
    """All rooms below the automations and the web, on one folder."""

    def __init__(self, folder: Path, settings: Settings, clock: Clock | None = None) -> None:
        self.folder = folder
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.bus = Bus()
        self.states = States(self.bus, self.clock)
        self.registry = Registry()
        self.actions = Actions(self.bus, self.clock)
        self.notices = Notices(self.bus, self.clock)
        self.tasks = Tasks("core")
        self.lock = FolderLock(folder)
        history = settings.history
        self.store = Store(
            folder,
            self.clock,
            StoreSettings(
                synchronous=history.synchronous,
                keep=dt.timedelta(days=history.keep_days),
                max_bytes=history.max_bytes,
            ),
        )
        self.ingest = Ingest(self.registry, self.states, self.bus, self.clock, self.store.writer)
        self.ingest.applier.misfit = Misfits(self.notices)
        self.documents: Documents
        self.notifications: Notifications
        self.areas: Areas
        self.labels: Labels
        self.changes: Changes
        self.users: Users
        self.tokens: Tokens
        self.passwords = Passwords()
        self._is_open = False

    async def open(self, progress: Progress | None = None) -> None:
        """Take the folder and open everything that is kept in it.

        Raises:
            FolderInUse: Another hub runs on it.
            NewerSchema: A newer version wrote it; nothing was changed.
            HubError: It can't be read or written.
        """
        self.lock.take()
        try:
            await asyncio.to_thread(self._make_ready)
            await self._open_stores(progress or _silent)
        except BaseException:
            self.lock.release()
            raise
        self._is_open = True
        self._tell_damage()

    def _make_ready(self) -> None:
        """Finish a restore that was cut short, and see that nothing is too new, before any file."""
        if finish_replacement(self.folder):
            log.warning(
                "a restore was finished that had been cut short; the configuration is the one read "
                "before folder=%s",
                self.folder,
            )
        check_versions(versions_in(self.folder), str(self.folder))

    async def _open_stores(self, progress: Progress) -> None:
        self.documents = await Documents.open(self.folder, clock=self.clock)
        try:
            await self.store.open(progress)
        except BaseException:
            await self.documents.close()
            raise
        self.store.writer.on_committed = self.ingest.committed
        self.store.writer.on_failed = self.ingest.failed
        self.store.rollups.on_taken = self.ingest.unmark
        kept = self.documents.table("notifications")
        self.notifications = Notifications(kept, self.bus, self.clock)
        self.areas = Areas(self.documents.table("areas"), self.bus, self.clock)
        self.labels = Labels(self.documents.table("labels"), self.bus, self.clock)
        self.changes = Changes(
            self.registry,
            self.states,
            self.bus,
            self.clock,
            self.write_records,
            areas=self.areas,
            labels=self.labels,
        )
        self.areas.on_delete = self.changes.forget_area
        self.labels.on_delete = self.changes.forget_label
        self.users = Users(self.documents.table("users"), self.passwords, self.clock)
        self.tokens = Tokens(self.documents.table("tokens"), self.users, self.clock, self.tasks)
        await self._load()

    async def close(self) -> None:
        """Finish what is under way and let go of the folder."""
        if not self._is_open:
            return
        self._is_open = False
        await self.tasks.stop()
        await self.store.close()
        await self.documents.close()
        self.passwords.close()
        self.lock.release()

    async def write_records(self, records: list[tuple[str, str, bytes | None]]) -> None:
        """Write registry records durably."""
        batch = WriteBatch()
        batch.records.extend(records)
        await self.store.writer.submit(batch)

    async def forget_deleted(self) -> int:
        """Forget entities that were deleted long ago; return how many."""
        return await self.changes.forget_deleted()

    async def _load(self) -> None:
        """Read the registry and the states with the collector off: there may be 100,000."""
        was_on = gc.isenabled()
        gc.disable()
        try:
            kinds = (GATEWAY, DEVICE, ENTITY, DELETED)
            read = self.store.records.all
            found = [await read(kind) for kind in kinds]
            self.registry.load(*([body for _key, body in records] for records in found))
            self.ingest.restore(await self.store.load_latest())
        finally:
            if was_on:
                gc.enable()
        await asyncio.sleep(0)

    def _tell_damage(self) -> None:
        report = self.store.report
        if report.problem:
            self.notices.put(
                Notice(
                    key="storage.damaged",
                    title="The database was damaged",
                    message=report.problem,
                    severity="error",
                )
            )
        for number, damage in enumerate(self.documents.problems):
            self.notices.put(
                Notice(
                    key=f"documents.damaged.{number}",
                    title="A document file was damaged",
                    message=str(damage),
                    severity="error",
                )
            )


def _silent(_what: str, _done: int, _total: int) -> None:
    """Show no progress."""

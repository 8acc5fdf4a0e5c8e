"""What the user should know: problems with what to do about them, and notifications."""

from collections.abc import Mapping
from typing import Any

from hub.bus import Bus
from hub.clock import Clock
from hub.events import NotificationsUpdated, ProblemsUpdated
from hub.model import Notice
from hub.storage.documents import Table

_MOST = 200


class Notices:
    """The problems that exist now. They are found anew after a start, so they are not stored."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._notices: dict[str, tuple[Notice, int]] = {}

    def put(self, notice: Notice) -> None:
        """Show a problem, or replace the one of the same key."""
        old = self._notices.pop(notice.key, None)
        if old is None and len(self._notices) >= _MOST:
            self._notices.pop(next(iter(self._notices)))
        now = self._clock.now_us()
        self._notices[notice.key] = (notice, old[1] if old else now)
        if old is None or old[0] != notice:
            action = "update" if old else "create"
            self._bus.publish(ProblemsUpdated(action, notice.key, fired_us=now))

    def clear(self, key: str) -> None:
        """Take back a problem that is gone."""
        if self._notices.pop(key, None) is not None:
            self._bus.publish(ProblemsUpdated("remove", key, fired_us=self._clock.now_us()))

    def all(self) -> list[Notice]:
        """Return the problems, oldest first."""
        return [notice for notice, _ in self._notices.values()]


class Notifications:
    """Persistent notifications: kept until somebody dismisses them; the oldest make room."""

    def __init__(self, table: Table, bus: Bus, clock: Clock) -> None:
        self._table = table
        self._bus = bus
        self._clock = clock

    async def create(self, notification_id: str, title: str | None, message: str) -> None:
        """Show a message, replacing the one of the same id."""
        is_known = notification_id in self._table
        if not is_known and len(self._table) >= _MOST:
            oldest = min(self._table.all().items(), key=lambda item: item[1]["created_at"])
            await self._table.delete(oldest[0])
        await self._table.put(
            notification_id,
            {
                "title": title,
                "message": message,
                "created_at": self._clock.now().isoformat(),
            },
        )
        self._tell("updated" if is_known else "added", notification_id)

    async def dismiss(self, notification_id: str) -> None:
        """Take a notification away; one that is gone already is fine."""
        if await self._table.delete(notification_id):
            self._tell("removed", notification_id)

    def all(self) -> list[Mapping[str, Any]]:
        """Return all notifications, oldest first."""
        found = [{"notification_id": key, **doc} for key, doc in self._table.all().items()]
        return sorted(found, key=lambda doc: str(doc["created_at"]))

    def _tell(self, action: str, number: str) -> None:
        self._bus.publish(NotificationsUpdated(action, number, fired_us=self._clock.now_us()))

"""A batch between its sender and the states: what the writer gets, and what follows the commit."""

from hub.model import Batch, Quarantined, Value
from hub.registry.entries import DeviceEntry, Series
from hub.registry.records import Gateway
from hub.storage.writes import QuarantineItem, WriteBatch

# Where a reading went, if not to the rows that have to be checked.
FRESH = -1
STATE_ONLY = -2
NOWHERE = -3


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


class Write(WriteBatch):
    """What the writer gets, with the way back to where it came from."""

    __slots__ = ("prepared",)
    prepared: "Prepared | None"

    def take(self) -> "Prepared":
        """Give back where it came from, once.

        The two point at each other only while the batch is with the writer: a cycle for each
        message would be the garbage collector's to find, a hundred milliseconds at a time.
        """
        prepared, self.prepared = self.prepared, None
        assert prepared is not None  # noqa: S101 - the writer hands a batch back once
        return prepared


class Prepared:
    """A batch on its way through the writer, with what has to happen after the commit."""

    __slots__ = (
        "batch",
        "checked",
        "devices",
        "gateways",
        "ignored_count",
        "is_gap",
        "is_own",
        "late",
        "newest",
        "news",
        "quarantined",
        "received_us",
        "sampled",
        "state_only",
        "stored",
        "suspect_count",
        "write",
    )

    def __init__(self, batch: Batch, received_us: int) -> None:
        self.batch = batch
        self.received_us = received_us
        self.write = Write()
        self.write.prepared = self
        self.newest: dict[Series, tuple[int, Value, int]] = {}
        """Series -> at, value, and place in ``checked``, FRESH or STATE_ONLY."""
        self.checked: list[tuple[Series, int]] = []
        self.late: dict[Series, list[int]] = {}
        """Series -> [count, first, last] of readings that are history only."""
        self.devices: list[DeviceEntry] = []
        self.gateways: list[Gateway] = []
        """Whose record travels in this batch."""
        self.stored: dict[DeviceEntry | Series, None] = {}
        """The same of devices and series: it is on disk once the batch is committed."""
        self.news: list[tuple[DeviceEntry | Series, bool]] = []
        """Whose record was brought to the disk by this batch, and whether it was the first."""
        self.sampled: list[Series] = []
        self.quarantined: list[Quarantined] = []
        self.is_gap = False
        self.is_own = False
        """Whether the hub noted this itself: then it is told as a state, not as a reading."""
        self.state_only = 0
        self.suspect_count = 0
        self.ignored_count = 0

    def put_aside(self, part: Quarantined) -> None:
        """Send a part of the message to the quarantine."""
        self.quarantined.append(part)
        self.write.quarantined.append(item_of(part, self.received_us))

    def note_late(self, series: Series, at_us: int) -> None:
        """Count a stored reading that is history only."""
        seen = self.late.get(series)
        if seen is None:
            self.late[series] = [1, at_us, at_us]
        else:
            seen[0] += 1
            seen[1] = min(seen[1], at_us)
            seen[2] = max(seen[2], at_us)

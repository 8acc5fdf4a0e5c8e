"""What the server counts, for the metrics."""

from collections import Counter

from hub.clock import Clock

_REPEATS_AFTER = 60.0
_MAX_REMEMBERED = 256


class Tally:
    """One owner's requests: how many of each status, and how many are being answered."""

    __slots__ = ("failed_count", "in_flight", "last_error", "owner", "statuses")

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.statuses: Counter[int] = Counter()
        self.in_flight = 0
        self.failed_count = 0
        self.last_error: str | None = None


class Counts:
    """Everything that is counted while the server runs."""

    def __init__(self) -> None:
        self.by_owner: dict[str, Tally] = {}
        self.bad_message_count = 0
        self.overload_count = 0
        self.disconnect_count = 0
        self.refused_connection_count = 0

    def of(self, owner: str) -> Tally:
        """Return the tally of *owner*, the same one each time."""
        tally = self.by_owner.get(owner)
        if tally is None:
            tally = self.by_owner[owner] = Tally(owner)
        return tally


class Repeats:
    """Says which log lines are worth writing: the first of a kind, then one a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, ...], tuple[float, int]] = {}

    def count_since_last(self, *kind: str) -> int | None:
        """Return how often *kind* was kept quiet since its last line, or None to keep quiet."""
        now = self._clock.monotonic()
        last, count = self._seen.get(kind, (-_REPEATS_AFTER, 0))
        if now - last < _REPEATS_AFTER:
            self._seen[kind] = (last, count + 1)
            return None
        if len(self._seen) >= _MAX_REMEMBERED:
            self._seen.clear()
        self._seen[kind] = (now, 0)
        return count

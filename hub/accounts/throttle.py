"""Slowing down whoever guesses passwords, by address."""

from collections import OrderedDict

from hub.clock import Clock

FREE_TRIES = 5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
FORGIVEN_AFTER = 900.0
_MAX_SOURCES = 4096


class Throttle:
    """Counts failures by source and says how long a source has to wait.

    Five failures are free, then the pause doubles from a second to a minute. A success, or a
    quarter of an hour without a failure, forgets them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def pause(self, source: str) -> float:
        """Return the seconds that *source* has to wait before its next try."""
        count, last = self._failures.get(source, (0, 0.0))
        since = self._clock.monotonic() - last
        if count < FREE_TRIES or since >= FORGIVEN_AFTER:
            return 0.0
        pause: float = FIRST_PAUSE * 2 ** min(count - FREE_TRIES, 16)
        return max(0.0, min(pause, LONGEST_PAUSE) - since)

    def tried(self, source: str) -> None:
        """Note a try, which is a failure until :meth:`succeeded` says otherwise."""
        now = self._clock.monotonic()
        count, last = self._failures.pop(source, (0, now))
        if now - last >= FORGIVEN_AFTER:
            count = 0
        self._failures[source] = (count + 1, now)
        while len(self._failures) > _MAX_SOURCES:
            self._failures.popitem(last=False)

    def succeeded(self, source: str) -> None:
        """Forget the failures of *source*."""
        self._failures.pop(source, None)

"""How much a slice of background work may take on."""

TARGET_SECONDS = 0.02


class Pace:
    """A size that follows how long the last slice took, so that each takes about 20 ms."""

    def __init__(self, size: int, *, smallest: int, largest: int) -> None:
        self.size = size
        self._smallest = smallest
        self._largest = largest

    def note(self, seconds: float) -> None:
        """Adapt the size: down at once, up at most to the double."""
        factor = min(2.0, TARGET_SECONDS / max(seconds, 1e-6))
        self.size = max(self._smallest, min(self._largest, int(self.size * factor)))

"""Writing lines from a thread of its own: a pipe that nobody reads must not hold up the hub."""

import queue
import threading
from typing import TextIO

_MOST_WAITING = 5000
_LAST_SECONDS = 1.0


class Printer:
    """Writes lines to a stream in order; what is too much at once is counted and left out."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(_MOST_WAITING)
        self._dropped_count = 0
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Write a line soon."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped_count += 1

    def close(self) -> None:
        """Write what waits, at most for a second."""
        try:
            self._lines.put(None, timeout=_LAST_SECONDS)
        except queue.Full:
            return
        self._thread.join(_LAST_SECONDS)

    def _run(self) -> None:
        try:
            while (line := self._lines.get()) is not None:
                self._stream.write(line + "\n")
                if self._lines.empty():
                    self._tell_dropped()
                    self._stream.flush()
            self._tell_dropped()
            self._stream.flush()
        except (OSError, ValueError):  # nobody reads any more
            return

    def _tell_dropped(self) -> None:
        if self._dropped_count:
            count, self._dropped_count = self._dropped_count, 0
            self._stream.write(f"({count} lines were left out)\n")

"""What a run did, step by step, kept for people."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hub.clock import from_us
from hub.model import Context

MAX_ENTRIES = 20
"""Entries kept for one step; a step in a loop has one for each turn, the latest are kept."""


class Entry(Struct):
    """One execution of one step. ``changed`` holds the variables it began with or set."""

    path: str
    at_us: int
    result: Mapping[str, Any] | None = None
    error: str | None = None
    changed: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as Home Assistant's API shows it."""
        shown: dict[str, Any] = {"path": self.path, "timestamp": from_us(self.at_us).isoformat()}
        if self.changed:
            shown["changed_variables"] = dict(self.changed)
        if self.result is not None:
            shown["result"] = dict(self.result)
        if self.error is not None:
            shown["error"] = self.error
        return shown


class Trace:
    """One run: when, why, which steps, and how it ended.

    ``execution`` is Home Assistant's word for the end: finished, aborted, error, cancelled,
    failed_conditions, failed_single, failed_max_runs; None while it runs.
    """

    __slots__ = (
        "_paths",
        "context",
        "description",
        "error",
        "execution",
        "finish_us",
        "item_id",
        "run_id",
        "start_us",
    )

    def __init__(self, item_id: str, run_id: int, start_us: int, context: Context) -> None:
        self.item_id = item_id
        self.run_id = run_id
        self.start_us = start_us
        self.finish_us: int | None = None
        self.context = context
        self.description: str | None = None
        self.execution: str | None = None
        self.error: str | None = None
        self._paths: dict[str, list[Entry]] = {}

    def enter(self, path: str, at_us: int) -> Entry:
        """Note that a step begins."""
        entry = Entry(path, at_us)
        entries = self._paths.get(path)
        if entries is None:
            self._paths[path] = [entry]
        else:
            if len(entries) >= MAX_ENTRIES:
                del entries[0]
            entries.append(entry)
        return entry

    def end(self, execution: str | None, at_us: int) -> None:
        """Note how the run ended; the first word counts."""
        if self.finish_us is None:
            self.execution = execution
            self.finish_us = at_us

    @property
    def paths(self) -> list[str]:
        """The steps in the order in which they first began."""
        return list(self._paths)

    @property
    def last_step(self) -> str | None:
        """The step that was the last to begin for the first time."""
        return next(reversed(self._paths), None)

    @property
    def started(self) -> dt.datetime:
        """When the run began."""
        return from_us(self.start_us)

    def as_dict(self) -> dict[str, Any]:
        """Return it as Home Assistant's API shows it, with every step."""
        finish = None if self.finish_us is None else from_us(self.finish_us).isoformat()
        return {
            "run_id": str(self.run_id),
            "domain": "automation",
            "item_id": self.item_id,
            "state": "running" if self.finish_us is None else "stopped",
            "script_execution": self.execution,
            "timestamp": {"start": self.started.isoformat(), "finish": finish},
            "trigger": self.description,
            "last_step": self.last_step,
            "error": self.error,
            "context": self.context.as_dict(),
            "trace": {path: [e.as_dict() for e in found] for path, found in self._paths.items()},
        }

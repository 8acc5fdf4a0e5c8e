"""The log of a running hub: one line per event on standard error, without secrets."""

import datetime as dt
import logging
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from hub.cli.printer import Printer
from hub.config import REDACTED, NodeDict, NodeList, NodeStr, Secret

LEVELS = ("debug", "info", "warning", "error")
_SHORTEST_SECRET = 4
_MOST_SECRETS = 10_000
_MAX_DEPTH = 20
# API tokens of our own and whatever stands in an authorization header.
_ALWAYS = (r"\bfh_[A-Za-z0-9_-]{16,}", r"(?<=[Bb]earer )[^\s'\",;]{8,}")


class Redactor:
    """Takes known secrets out of lines."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern = re.compile("|".join(_ALWAYS))

    def add(self, secrets: Iterable[str]) -> None:
        """Know more secrets; those too short to be told from words are left alone."""
        fresh = {text for text in secrets if len(text) >= _SHORTEST_SECRET} - self._known
        if not fresh or len(self._known) + len(fresh) > _MOST_SECRETS:
            return
        self._known |= fresh
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join([*map(re.escape, longest_first), *_ALWAYS]))

    def __call__(self, line: str) -> str:
        """Return *line* without secrets."""
        return self._pattern.sub(REDACTED, line)


class LineFormatter(logging.Formatter):
    """Writes ``2026-03-01T12:00:00.123Z info hub.loader plugin loaded plugin=efento``."""

    def __init__(self, redact: Redactor, *, has_traces: bool) -> None:
        super().__init__()
        self._redact = redact
        self._has_traces = has_traces

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line; exceptions in one sentence unless traces are wanted."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        line = _one_line(record.getMessage())
        trace = ""
        if record.exc_info and record.exc_info[1] is not None:
            line += " " + _sentence(record.exc_info[1])
            trace = "\n" + self.formatException(record.exc_info) if self._has_traces else ""
        text = f"{stamp} {record.levelname.lower()} {record.name} {line}{trace}"
        return self._redact(text)


class PrinterHandler(logging.Handler):
    """Hands lines to a printer."""

    def __init__(self, printer: Printer) -> None:
        super().__init__()
        self._printer = printer

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record soon."""
        try:
            self._printer.put(self.format(record))
        except (TypeError, ValueError, KeyError) as err:  # a message that its arguments don't fit
            self._printer.put(f"log message of {record.name} can't be written: {err}")


class Logs:
    """Sets the log up; ``close`` writes what waits."""

    def __init__(self, *, has_traces: bool) -> None:
        self.redact = Redactor()
        self._printer = Printer(sys.stderr)
        handler = PrinterHandler(self._printer)
        handler.setFormatter(LineFormatter(self.redact, has_traces=has_traces))
        root = logging.getLogger()
        for old in root.handlers[:]:
            root.removeHandler(old)
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        # Whatever ends a thread belongs into the log as well, and not as a trace on the terminal.
        threading.excepthook = _log_thread

    def set_levels(self, level: str, loggers: Mapping[str, str]) -> None:
        """Log from *level* on, and from others for the named loggers and those below them."""
        logging.getLogger().setLevel(level.upper())
        for name, own in loggers.items():
            logging.getLogger(name).setLevel(own.upper())

    def close(self) -> None:
        """Write what waits, at most for a second."""
        self._printer.close()


def secrets_in(node: object, depth: int = 0) -> Iterable[str]:
    """Yield every secret text in configuration nodes and in the attrs values made of them."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(node, Secret):
        yield node.reveal()
    elif isinstance(node, NodeStr):
        if node.mark.is_secret:
            yield str.__str__(node)
    else:
        for child in _children(node):
            yield from secrets_in(child, depth + 1)


def _children(node: Any) -> Iterable[object]:  # noqa: ANN401 - configuration of any shape
    if isinstance(node, NodeDict | dict):
        return list(node.values())
    if isinstance(node, NodeList | list | tuple):
        return list(node)
    if attrs.has(type(node)):
        return [getattr(node, field.name) for field in attrs.fields(type(node))]
    return []


def _log_thread(arguments: threading.ExceptHookArgs) -> None:
    error = arguments.exc_value
    name = arguments.thread.name if arguments.thread is not None else "unknown"
    logging.getLogger(__name__).error("thread ended thread=%s", name, exc_info=error)


def _sentence(error: BaseException) -> str:
    place = ""
    trace = error.__traceback__
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    text = _one_line(f"{type(error).__name__}: {error}")
    return f'error="{text}" at={place}'


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)

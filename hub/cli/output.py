"""Talking to people and to programs: tables and JSON on standard output, the rest beside it."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from hub.storage.schema import Progress as Say

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]

_WIDE = 10_000


class Output:
    """Where a command writes; colours and bars appear on a terminal only."""

    def __init__(self) -> None:
        is_terminal = sys.stdout.isatty()
        # In a pipe a line stays a line, however long it is.
        self._console = Console(
            width=None if is_terminal else _WIDE, highlight=False, emoji=False, markup=False
        )
        self._errors = Console(stderr=True, highlight=False, emoji=False, markup=False)

    def line(self, text: str = "") -> None:
        """Write one line to standard output; control characters in it do nothing."""
        self._console.print(clean(text), soft_wrap=True)

    def json(self, value: object) -> None:
        """Write a value as JSON."""
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write a table."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in columns:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*[Text(clean("" if cell is None else str(cell))) for cell in row])
        self._console.print(table)

    def hint(self, text: str) -> None:
        """Write one line beside the result, to standard error."""
        self._errors.print(clean(text), soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Say]:
        """Show on a terminal how far something is; the function may be called on any thread."""
        if not self._errors.is_terminal:
            yield _silent
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        with Progress(*columns, console=self._errors, transient=True) as bar:
            task = bar.add_task("", visible=False)

            def say(what: str, done: int, total: int) -> None:
                bar.update(task, description=clean(what), completed=done, total=total, visible=True)

            yield say


def clean(text: str) -> str:
    """Return *text* without what a terminal would take for a command."""
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)


def size_text(byte_count: int) -> str:
    """Write a number of bytes as people read it."""
    size = float(byte_count)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _silent(_what: str, _done: int, _total: int) -> None:
    """Show nothing."""

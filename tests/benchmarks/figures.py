"""Goals and what a run found, as a table."""

import os
import platform
import statistics
from collections.abc import Iterable

from attrs import field, frozen


@frozen(kw_only=True)
class Figure:
    """One line of the table. ``is_most`` means that smaller is better."""

    goal: str
    what: str
    found: float
    must: float
    aim: float
    is_most: bool = False
    unit: str = ""
    anchor: str = ""

    @property
    def verdict(self) -> str:
        """Say which line it holds."""
        holds = (
            (lambda line: self.found <= line) if self.is_most else (lambda line: self.found >= line)
        )
        return "aim" if holds(self.aim) else "must" if holds(self.must) else "BELOW"


@frozen
class Report:
    """All lines of one run."""

    figures: list[Figure] = field(factory=list)

    def add(self, figures: Iterable[Figure]) -> None:
        """Add lines and print them at once."""
        for figure in figures:
            self.figures.append(figure)
            print(row(figure), flush=True)


HEAD = "| goal | what | found | must | aim | holds | anchor |\n|---|---|---|---|---|---|---|"


def number(value: float) -> str:
    """Write a figure with three significant digits."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def row(figure: Figure) -> str:
    """Write one line of the table."""
    sign = "≤" if figure.is_most else "≥"
    unit = f" {figure.unit}" if figure.unit else ""
    lines = f"{sign} {number(figure.must)} | {sign} {number(figure.aim)} | {figure.verdict}"
    return (
        f"| {figure.goal} | {figure.what} | {number(figure.found)}{unit}"
        f" | {lines} | {figure.anchor} |"
    )


def machine() -> str:
    """Describe the machine in one line."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - procfs
            models = [
                line.split(":", 1)[1].strip() for line in file if line.startswith("model name")
            ]
    except OSError:
        models = []
    model = models[0] if models else platform.processor()
    return (
        f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    )


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)

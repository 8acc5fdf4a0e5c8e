"""The documentation and the code agree, and links lead somewhere."""

import os
import re
import subprocess
import sys

import pytest

from hub.events import EVENT_TYPES
from tests.house.tree import DOCS, ROOT, name_of

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES += sorted(page for page in DOCS.glob("**/*.md") if "_build" not in page.parts)
MADE = [page for page in PAGES if "[[[cog" in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_tables_are_what_the_code_makes_them():
    done = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", *MADE],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, f"{done.stdout}{done.stderr}: run make docs"


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_event_is_documented(name):
    page = (DOCS / "reference" / "events.md").read_text(encoding="utf-8")

    assert f"| `{name}` | `{EVENT_TYPES[name].__name__}` |" in page


def test_the_first_lines_of_the_readme_are_the_two_commands():
    commands = [line for line in PAGES[0].read_text("utf-8").splitlines() if line.startswith("$")]

    assert [command.split("#")[0].split() for command in commands[:2]] == [
        ["$", "make", "run"],
        ["$", "make", "test"],
    ]

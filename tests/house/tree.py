"""The tree as the house's tests look at it."""

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_PARTS = [ROOT / name for name in ("hub", "plugins", "docs", "tests", "examples")]
_KINDS = {".py", ".md", ".toml", ".yaml", ".yml", ".html", ".js", ".css", ".sql", ".txt", ".json"}


def modules() -> list[Path]:
    """Return every module that is shipped."""
    found = [
        *ROOT.glob("hub/**/*.py"),
        *ROOT.glob("plugins/**/*.py"),
        *ROOT.glob("examples/**/*.py"),
    ]
    return sorted(path for path in found if not {"build", "tests", ".venv"} & set(path.parts))


@functools.cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def texts() -> list[Path]:
    """Return every text file that is, or would be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    names = [name for name in listed.stdout.decode().split("\0") if name]
    if not names:  # an unpacked archive
        names = [str(path.relative_to(ROOT)) for part in _PARTS for path in part.rglob("*")]
    paths = (ROOT / name for name in names)
    return sorted(p for p in paths if (p.suffix in _KINDS or not p.suffix) and p.is_file())


def name_of(path: Path) -> str:
    """Return a path as a test shows it."""
    return str(path.relative_to(ROOT))

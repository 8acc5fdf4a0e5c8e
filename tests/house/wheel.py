"""Tests the built wheel as strangers get it: ``python tests/house/wheel.py dist/fieldhub-….whl``.

In a virtual environment of its own, away from the checkout, the wheel is installed, the command and
the plugins are looked at, and the example plugin's own tests run against it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "fieldhub-plugin-hello"
# Checkouts are importable where they are the current folder, and pytest's options must not come
# from outside.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "COVERAGE"))}


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Run a command and return its output; end everything if it fails."""
    done = subprocess.run(
        command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def missing(wheel: Path) -> list[str]:
    """Return files of the packages that the wheel lacks."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    sources = [(ROOT, path) for path in (ROOT / "hub").rglob("*")]
    sources += [(ROOT / "plugins", path) for path in (ROOT / "plugins").rglob("*")]
    names = [str(p.relative_to(base)) for base, p in sources if p.is_file() and p.suffix != ".pyc"]
    return sorted(set(names) - packed)


def main(wheel: Path) -> None:
    """Install *wheel* and try it."""
    lacking = missing(wheel)
    if lacking:
        sys.exit(f"{wheel.name} lacks {', '.join(lacking)}")
    with tempfile.TemporaryDirectory(prefix="fieldhub-wheel-") as name:
        folder = Path(name)
        python, hub = folder / "venv/bin/python", folder / "venv/bin/hub"
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        pins = ["--constraint", ROOT / "constraints.txt"]
        run([sys.executable, "-m", "venv", folder / "venv"], folder)
        run([*pip, *pins, wheel, "pytest", "pytest-asyncio", "pytest-timeout", "hatchling"], folder)
        print(run([hub, "--config", folder / "config", "plugins"], folder), end="")
        if EXAMPLE.exists():
            shutil.copytree(EXAMPLE, folder / "example")
            run([*pip, "--no-build-isolation", "--no-deps", folder / "example"], folder)
            (folder / "example" / "hub_hello.py").unlink()
            print(run([python, "-m", "pytest", "-q"], folder / "example").splitlines()[-1])
        print(run([hub, "--config", folder / "config", "plugins"], folder), end="")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

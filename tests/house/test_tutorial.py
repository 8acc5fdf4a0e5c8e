"""The plugin of the tutorial runs, and its tests pass."""

import os
import re
import subprocess
import sys

import pytest

from tests.house.tree import DOCS

PAGE = (DOCS / "tutorial" / "first-plugin.md").read_text(encoding="utf-8")
# The tutorial's reader has no coverage, no workers and none of our options.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COVERAGE"))}


@pytest.mark.timeout(180)
def test_the_tests_of_the_tutorial_pass(tmp_path):
    plugin, tests = re.findall(r"^```py(?:thon)?\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "hub_rain.py").write_text(plugin, encoding="utf-8")
    (tmp_path / "test_rain.py").write_text(tests, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider"],
        cwd=tmp_path, env=CLEAN, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_the_tutorial_says_how_to_run_them():
    assert "pytest -o asyncio_mode=auto" in PAGE
    assert "hub_rain.py" in PAGE
    assert "test_rain.py" in PAGE

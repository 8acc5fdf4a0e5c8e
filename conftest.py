"""Runs the code blocks of README.md and docs/, and lets tests that measure time run alone."""

import fcntl
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser

_SECRET = re.compile(r"!secret (\w+)")
_INCLUDE = re.compile(r"!include (\S+\.yaml)")
_FILES = ("server.crt", "server.key")


def _check_yaml(example: Example) -> None:
    """Let ``hub check`` read a block as ``hub.yaml``, or a list as ``automations.yaml``."""
    # Imported here, because most runs need none of it.
    from typer.testing import CliRunner  # noqa: PLC0415

    from hub.cli.main import hub  # noqa: PLC0415
    from hub.config import NodeList, load_yaml  # noqa: PLC0415

    text = str(example.parsed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        secrets = {f"{key}: a-secret-for-tests\n" for key in _SECRET.findall(text)}
        (folder / "secrets.yaml").write_text("".join(secrets), encoding="utf-8")
        for file in (*_INCLUDE.findall(text), *_FILES):
            (folder / file).write_text("", encoding="utf-8")
        (folder / "example.yaml").write_text(text, encoding="utf-8")
        node, _ = load_yaml(folder / "example.yaml", folder)
        main = "automations: !include example.yaml" if isinstance(node, NodeList) else text
        (folder / "hub.yaml").write_text(main, encoding="utf-8")
        done = CliRunner().invoke(hub, ["--config", name, "check", "--json"])
    findings = [f for f in json.loads(done.stdout) if not f["file"].startswith("plugin ")]
    if findings:
        raise AssertionError("\n".join(f"{f['line']}: {f['message']}" for f in findings))


def _check_json(example: Example) -> None:
    json.loads(str(example.parsed))


# Each block stands for itself: they run in any order and on any worker. One that is shown and not
# run is "py" instead of "python".
pytest_collect_file = Sybil(
    parsers=[
        CodeBlockParser("python", PythonEvaluator()),
        CodeBlockParser("yaml", _check_yaml),
        CodeBlockParser("json", _check_json),
    ],
    patterns=["README.md", "CONTRIBUTING.md", "docs/**/*.md"],
    excludes=["docs/_build/**"],
).pytest()


# -- tests that measure time ----------------------------------------------------------------------
# Workers beside each other would measure each other: a test marked "serial" waits until no other
# test of the run is under way. The turnstile keeps new ones from overtaking it meanwhile.


@contextmanager
def _floor(folder: Path, mode: int) -> Iterator[None]:
    with (folder / "floor.lock").open("a") as floor:
        with (folder / "turnstile.lock").open("a") as turnstile:
            fcntl.flock(turnstile, fcntl.LOCK_EX)
            fcntl.flock(floor, mode)
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run *item* beside those of other workers, or alone if it is marked ``serial``."""
    if not hasattr(item.config, "workerinput"):
        return (yield)
    # Pytest offers it to fixtures only; their time would count as the test's.
    folder = item.config._tmp_path_factory.getbasetemp().parent  # type: ignore[attr-defined]  # noqa: SLF001
    is_alone = item.get_closest_marker("serial") is not None
    with _floor(folder, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH):
        return (yield)

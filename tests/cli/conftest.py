"""Folders with a configuration, the command line in this process, and hubs that really run."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from attrs import frozen

from hub.cli.main import main

CONFIGURATION = """\
name: Test farm
http: {port: 0}
efento:
  tokens:
    - {name: barn, token: !secret barn}
"""
TOKEN = "0123456789abcdef"


@frozen
class Result:
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "farm")


def make_folder(path):
    path.mkdir(mode=0o700)
    (path / "hub.yaml").write_text(CONFIGURATION)
    (path / "secrets.yaml").write_text(f'barn: "{TOKEN}"\n')
    return path


@pytest.fixture
def hub(folder, monkeypatch, capsys):
    """Call the command line in this process, on the test's folder."""

    def call(*arguments, stdin="", config=True):
        chosen = ["--config", str(folder)] if config is True else []
        monkeypatch.setattr(sys, "argv", ["hub", *chosen, *map(str, arguments)])
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        monkeypatch.setattr(threading, "excepthook", threading.excepthook)
        monkeypatch.setattr(sys, "stdin", _Input(stdin))
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return call


class _Input:
    def __init__(self, text):
        self._text = text

    def readline(self, size=-1):
        line, _, self._text = self._text.partition("\n")
        return f"{line}\n"[:size] if line else ""

    def isatty(self):
        return False


class Running:
    """A hub in a process of its own."""

    def __init__(self, folder: Path, place: Path, *arguments: str) -> None:
        self.folder = folder
        self.ready_file = place / "ready.json"
        self.log = place / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hub.cli.main", "--config", folder, "run",
                 "--ready-file", self.ready_file, *arguments],
                stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ.copy(),
            )  # fmt: skip

    def wait_until_ready(self, seconds=40.0):
        deadline = time.monotonic() + seconds
        while not self.ready_file.exists():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, "the hub did not become ready"
            time.sleep(0.05)
        return json.loads(self.ready_file.read_text())

    def stop(self, number=signal.SIGTERM):
        started = time.monotonic()
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=20)
        return Result(
            self.process.returncode, out, self.log.read_text()
        ), time.monotonic() - started

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def start(tmp_path):
    """Start hubs in processes of their own; they end with the test."""
    running = []

    def begin(folder, *arguments):
        place = tmp_path / f"run{len(running)}"
        place.mkdir()
        running.append(Running(folder, place, *arguments))
        return running[-1]

    yield begin
    for one in running:
        one.end()

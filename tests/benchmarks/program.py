"""Programs under test in processes of their own: the hub, the bare server, the load."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub.clock import SystemClock
from tests.benchmarks.load import ALL_SITES, TOKEN, body

YAML = """\
name: Bench
http: {{host: 127.0.0.1, port: 0}}
efento: {{tokens: [{{name: bench, token: {token}}}]}}
"""


def write_config(folder: Path) -> None:
    """Make a folder for a hub of the benchmark's own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hub.yaml").write_text(YAML.format(token=TOKEN), encoding="utf-8")


@contextlib.contextmanager
def bare() -> Iterator[int]:
    """Run the bare server; give its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bare"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def now() -> dt.datetime:
    """Return the time in whole seconds, as the gateways tell it."""
    return SystemClock().now().replace(microsecond=0)


class RunningHub:
    """A hub in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, ready_seconds: float) -> None:
        self.process = process
        self.port = port
        self.ready_seconds = ready_seconds

    def resident_mib(self) -> float:
        """Return its resident memory in MiB."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="utf-8").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextlib.contextmanager
def hub(folder: Path) -> Iterator[RunningHub]:
    """Run the hub as its users do; give it once it takes messages."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    began = time.perf_counter()
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub.cli.main", "--config", str(folder), "run",
             "--ready-file", str(ready)],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            while not ready.exists() or not ready.read_text(encoding="utf-8").strip():
                if process.poll() is not None or time.perf_counter() - began > 60:
                    raise RuntimeError((folder / "log.txt").read_text(encoding="utf-8"))
                time.sleep(0.005)
            took = time.perf_counter() - began
            url = json.loads(ready.read_text(encoding="utf-8"))["http"]
            yield RunningHub(process, int(url.rsplit(":", 1)[1]), took)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Load:
    """Sends messages from a process of its own; no message twice, over all its runs."""

    def __init__(self, connections: int) -> None:
        self.connections = connections
        self.start = int(now().timestamp()) - 400
        self.turn = 0

    def run(self, port: int, seconds: float) -> dict[str, Any]:
        """Send for *seconds* and return what came of it."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.load", str(port), str(self.connections),
             str(seconds), str(self.start), str(self.turn)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        result: dict[str, Any] = json.loads(done.stdout)
        if result["bad"]:
            raise RuntimeError(f"the load was refused: {result['bad']}")
        self.turn = result["turn"]
        return result

    def warm_up(self, port: int) -> None:
        """Send until every logger has been heard, so that nothing new appears later."""
        while self.turn <= ALL_SITES // self.connections:
            self.run(port, 1)


def first_answer(port: int) -> None:
    """Send one message and wait for its 201."""
    result = asyncio.run(_one(port))
    if " 201 " not in result:
        raise RuntimeError(result)


async def _one(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = body(0, 0, now())
    head = (
        "POST /api/v4/measurements HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        f"X-Api-Token: {TOKEN}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    writer.write(head.encode() + data)
    line = (await reader.readline()).decode()
    writer.close()
    return line

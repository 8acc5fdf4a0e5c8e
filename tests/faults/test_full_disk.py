"""The disk is full: 503, nothing half stored, retention still runs, recovery without help."""

import asyncio
import datetime as dt
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.app import App
from hub.clock import SystemClock
from hub.config import load
from tests.benchmarks import program
from tests.benchmarks.load import body
from tests.faults.sender import stored
from tests.faults.wire import eventually, post

SIZE_MIB = 48


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs takes root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        reason = f"a tmpfs can't be mounted here: {mounted.stderr.decode().strip()}"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_a_full_disk_is_told_to_gateways_and_got_over_without_help(small_disk: Path):
    folder = small_disk / "hub"
    program.write_config(folder)
    app = App(folder, load(folder))
    await app.open()
    await app.start()
    start = program.now()
    try:
        assert (await post(app, body(0, 0, start)))[0] == 201
        ballast = small_disk / "ballast"
        fill(ballast)
        acknowledged, refused = await send_until_refused(app, start)
        assert refused == 503
        status_when_full = {(await post(app, body(1, turn, start)))[0] for turn in range(5)}
        ballast.unlink()
        await eventually(lambda: not app.core.store.writer.is_stalled)
        after = await retry(app, body(1, 0, start))
    finally:
        await app.stop()

    assert status_when_full == {503}
    assert after == 201
    counts = stored(folder)
    microseconds = round(start.timestamp() * 1_000_000)
    for turn in range(acknowledged):
        base = turn % 50 * 3
        at = microseconds + turn // 50 * 1_000_000
        for number in range(3):
            assert counts[f"28{base + number:010X}", at] == number + 1


class ShiftedClock(SystemClock):
    """The machine's clock, off by ``shift``."""

    shift = dt.timedelta(0)

    def now(self) -> dt.datetime:
        return super().now() + self.shift

    def now_us(self) -> int:
        return super().now_us() + self.shift // dt.timedelta(microseconds=1)


async def test_retention_runs_on_a_full_disk_and_makes_room(small_disk: Path):
    folder = small_disk / "hub"
    program.write_config(folder)
    config = folder / "hub.yaml"
    config.write_text(config.read_text() + "history: {max_bytes: 1MiB}\n")
    clock = ShiftedClock()
    clock.shift = dt.timedelta(days=-10)
    app = App(folder, load(folder), clock=clock)
    await app.open()
    await app.start()
    start = program.now()
    try:
        for turn in range(0, 4000, 32):
            old = start + clock.shift
            found = await asyncio.gather(
                *(post(app, body(0, turn + extra, old)) for extra in range(32))
            )
            assert {status for status, _ in found} == {201}
        before = await app.core.store.retention.used_bytes()
        fill(small_disk / "ballast")
        clock.shift = dt.timedelta(0)
        statuses = set()
        for turn in range(5000):  # sooner or later the log has to grow, and can't
            status, _ = await post(app, body(3, turn, start))
            statuses.add(status)
            if 503 in statuses and await app.core.store.retention.used_bytes() < before * 0.9:
                break
        room = await app.core.store.retention.used_bytes()
        (small_disk / "ballast").unlink()
        status = await retry(app, body(4, 0, start))
    finally:
        await app.stop()

    assert before > 2**20
    assert statuses <= {201, 503}
    assert 503 in statuses
    assert room < before * 0.9
    assert status == 201


def fill(path: Path) -> None:
    """Take all the space there is."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass
        try:
            while True:
                file.write(b"\0" * 512)
        except OSError:
            pass


async def send_until_refused(app: App, start: object) -> tuple[int, int]:
    """Return how many messages were acknowledged, and the first other status."""
    for turn in range(1, 30_000):
        status, _ = await post(app, body(0, turn, start))  # type: ignore[arg-type]
        if status != 201:
            return turn, status
    raise AssertionError("the disk did not get full")


async def retry(app: App, data: bytes) -> int:
    """Send as a gateway does, with shorter pauses; return the last status."""
    status = 0
    for _ in range(50):
        status, _ = await post(app, data)
        if status == 201:
            break
        await asyncio.sleep(0.1)
    return status

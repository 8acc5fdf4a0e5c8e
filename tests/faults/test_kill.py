"""kill -9 under full load, again and again: nothing acknowledged is lost, nothing is damaged."""

import asyncio
import datetime as dt
import os
import random
import signal
from pathlib import Path

import pytest

from tests.benchmarks import program
from tests.faults.sender import Crowd, missing

KILLS = int(os.environ.get("FIELDHUB_TEST_KILLS", "50"))


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_hub_is_killed_at_random_moments(tmp_path: Path):
    folder = tmp_path / "hub"
    program.write_config(folder)
    start = program.now() - dt.timedelta(seconds=280)
    crowd = Crowd(16, start)
    luck = random.Random(20)  # noqa: S311 - the same moments each time

    for _ in range(KILLS):
        with program.hub(folder) as hub:
            asyncio.run(_send_and_kill(crowd, hub, luck.uniform(0.02, 0.6)))

    with program.hub(folder) as hub:
        asyncio.run(crowd.send(hub.port, 0.3))
        assert hub.process.poll() is None
    assert len(crowd.acknowledged) > KILLS
    assert set(crowd.statuses) <= {201, 503}
    assert missing(folder, crowd) == []
    assert not list(folder.glob("*damaged*"))


async def _send_and_kill(crowd: Crowd, hub: program.RunningHub, after: float) -> None:
    async def kill() -> None:
        await asyncio.sleep(after)
        hub.process.send_signal(signal.SIGKILL)

    await asyncio.gather(crowd.send(hub.port), kill())

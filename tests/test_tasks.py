import asyncio
import gc

import pytest

from hub.tasks import Tasks


@pytest.fixture
async def tasks():
    tasks = Tasks("pump")
    yield tasks
    await tasks.stop(grace=0.1)


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("error", [RuntimeError("dry"), SystemExit("dry")])
async def test_a_failure_is_logged_with_its_owner_counted_and_handed_on(tasks, caplog, error):
    async def fail():
        raise error

    handed = []
    tasks.spawn(fail(), name="water", on_error=handed.append)
    tasks.spawn(fail(), name="water")
    await turns()

    assert "owner=pump task=water" in caplog.text
    assert (tasks.failed_count, tasks.last_error, len(tasks)) == (2, "water: dry", 0)
    assert handed == [error]


async def test_a_cancellation_that_nobody_asked_for_is_a_failure(tasks):
    async def wait():
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    tasks.spawn(wait(), name="water")
    await turns()

    assert tasks.failed_count == 1


async def test_what_spawn_returns_cancels_the_task(tasks):
    cancel = tasks.spawn(asyncio.sleep(60), name="water")
    await turns()
    cancel()
    await turns()

    assert len(tasks) == 0
    assert tasks.failed_count == 0


async def test_stop_cancels_everything_and_waits_for_it(tasks):
    ended = []

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.append(1)

    for _ in range(3):
        tasks.spawn(work(), name="water")
    await turns()
    await tasks.stop()

    assert ended == [1, 1, 1]
    assert len(tasks) == 0


async def test_a_task_that_is_stopped_before_its_first_step_warns_of_nothing(tasks):
    tasks.spawn(asyncio.sleep(60), name="water")

    await tasks.stop()
    gc.collect()

    assert len(tasks) == 0


async def test_a_task_that_does_not_stop_is_named_and_left(tasks, caplog):
    is_over = asyncio.Event()

    async def stubborn():
        while not is_over.is_set():
            try:
                await is_over.wait()
            except asyncio.CancelledError:
                continue

    tasks.spawn(stubborn(), name="mule")
    await turns()
    await tasks.stop(grace=0.01)

    assert "task does not stop owner=pump task=pump:mule" in caplog.text
    is_over.set()
    await turns()
    assert len(tasks) == 0


async def test_a_task_may_stop_its_owner(tasks):
    done = asyncio.Event()

    async def last():
        await tasks.stop()
        done.set()

    tasks.spawn(last(), name="last")
    await asyncio.wait_for(done.wait(), 1)


async def test_stopping_nothing_is_harmless(tasks):
    await tasks.stop()

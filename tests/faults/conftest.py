"""A hub in this process, with Efento's plugin, on a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.app import App, garbage
from hub.config import load
from tests.benchmarks import program


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    program.write_config(tmp_path)
    app = App(tmp_path, load(tmp_path))
    await app.open()
    await app.start()
    # As the program does; how long the loop is held depends on it.
    leave_garbage = garbage.tune(app.core.clock, app.core.tasks)
    yield app
    leave_garbage()
    await app.stop()

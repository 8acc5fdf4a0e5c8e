"""A hub in this process, with Efento's plugin, on a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.app import App
from hub.config import load
from tests.benchmarks import program


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    program.write_config(tmp_path)
    app = App(tmp_path, load(tmp_path))
    await app.open()
    await app.start()
    yield app
    await app.stop()

import datetime as dt

import hub_hello
import pytest

from hub.testing import ManualClock

TOKEN = "a-long-secret"  # noqa: S105 - a test's
NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)


@pytest.fixture
def hub_clock():
    return ManualClock(NOW)


@pytest.fixture
def hub_plugins():
    return {"hello": hub_hello}


@pytest.fixture
def hub_config():
    return {"hello": {"token": TOKEN}}


@pytest.fixture
def hub_credentials():
    return {"X-Hello-Token": TOKEN}


@pytest.fixture
def hub_simulation():
    return {"token": TOKEN}

"""What every plugin promises, checked for this one."""

import pytest

from hub.testing.contract import *  # noqa: F403 - the contract is a list of tests

pytestmark = pytest.mark.hub_plugin("efento")


@pytest.fixture
def hub_config():
    return {"efento": {"tokens": [{"name": "barn", "token": "correct-horse"}]}}


@pytest.fixture
def hub_credentials():
    return {"X-Api-Token": "correct-horse"}


@pytest.fixture
def hub_simulation():
    return {"token": "correct-horse"}

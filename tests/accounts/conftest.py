import pytest
from argon2 import PasswordHasher

from hub.accounts.passwords import Passwords
from hub.accounts.users import Users
from hub.storage.documents import Documents
from hub.testing.clock import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def documents(tmp_path):
    opened = await Documents.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def passwords():
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield cheap
    cheap.close()


@pytest.fixture
def users(documents, passwords, clock):
    return Users(documents.table("users"), passwords, clock)

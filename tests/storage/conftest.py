import datetime as dt

import pytest

from hub.clock import UTC
from hub.storage.store import Store, StoreSettings
from hub.storage.writes import WriteBatch
from hub.testing.clock import ManualClock

RESERVE = 64 * 1024
NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
async def store(tmp_path, clock):
    # The usual reserve of 16 MiB would be written again for every test.
    store = Store(tmp_path, clock, StoreSettings(reserve_bytes=RESERVE))
    await store.open()
    yield store
    assert await store.close()


@pytest.fixture
def row():
    """Make a reading's row; *at* in microseconds."""

    def make(series, at, num=None, raw=None, *, seq=0, lag=1000, flags=0):
        return (series, at, seq, num, raw, lag, flags)

    return make


@pytest.fixture
def fresh_batch():
    def make(*rows):
        batch = WriteBatch()
        batch.fresh.extend(rows)
        return batch

    return make


@pytest.fixture
def checked_batch():
    def make(*rows, keep_both=()):
        batch = WriteBatch()
        batch.checked.extend(rows)
        batch.keep_both.update(keep_both)
        return batch

    return make

import asyncio
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import StorageBusy, StorageError
from hub.storage.history import MAX_ROWS
from hub.storage.readers import Readers
from hub.storage.rows import Bucket, Row
from hub.storage.values import encode
from hub.storage.writes import DAY_US, HOUR_US, SUSPECT, WriteBatch

AT = 1_772_000_000_000_000 // DAY_US * DAY_US


async def put(store, row, values, *, series=1, start=AT, step=1_000_000, **more):
    batch = WriteBatch()
    for place, value in enumerate(values):
        num, raw = encode(value)
        batch.checked.append(row(series, start + place * step, num, raw, **more))
    await store.writer.submit(batch)


async def test_rows_give_back_values_times_and_gaps(store, row):
    await put(store, row, [7, 7.0, "7", True, None, "open", {"a": 1}], lag=5_000_000)

    got = await store.history.rows(1)
    assert [r.value for r in got] == [7, 7.0, "7", True, None, "open", {"a": 1}]
    assert got[1] == Row(AT + 1_000_000, 0, 7.0, AT + 6_000_000, False)


async def test_rows_are_of_one_series_and_span(store, row):
    await put(store, row, range(10))
    await put(store, row, range(10), series=2)

    got = await store.history.rows(1, AT + 3_000_000, AT + 6_000_000)
    assert [r.value for r in got] == [3, 4, 5]
    assert [
        r.value
        for r in await store.history.rows(1, AT + 3_000_000, AT + 6_000_000, is_descending=True)
    ] == [5, 4, 3]


@pytest.mark.parametrize("is_descending", [False, True])
async def test_pages_meet_without_overlap_also_within_one_moment(store, row, is_descending):
    batch = WriteBatch()
    batch.fresh = [row(1, AT + n // 3, n, seq=n % 3) for n in range(20)]
    await store.writer.submit(batch)

    seen, after = [], None
    while page := await store.history.rows(
        1, AT, AT + 100, limit=7, after=after, is_descending=is_descending
    ):
        seen += [r.value for r in page]
        after = (page[-1].at, page[-1].seq)
    assert seen == (list(range(19, -1, -1)) if is_descending else list(range(20)))


@pytest.mark.parametrize("limit", [0, MAX_ROWS + 1])
async def test_a_page_is_bounded(store, limit):
    with pytest.raises(ValueError, match="limit"):
        await store.history.rows(1, limit=limit)


async def test_the_newest_row_at_a_moment_is_found(store, row):
    await put(store, row, [1, None, 3])
    await put(store, row, [99], start=AT + 5_000_000, flags=SUSPECT)

    at = store.history.at_or_before
    assert (await at(1, AT + 500_000)).value == 1
    assert (await at(1, AT + 1_000_000)).value is None
    assert (await at(1, AT + 10_000_000)).value == 3
    assert await at(1, AT - 1) is None
    assert await at(7, AT) is None
    assert (await store.history.rows(1))[-1].is_suspect


async def test_counts_and_sizes(store, row):
    await put(store, row, range(10))
    await put(store, row, range(3), series=2)

    assert await store.history.count(1) == 10
    assert await store.history.count(1, AT + 2_000_000, AT + 5_000_000) == 3
    assert await store.history.size_per_series() == {1: 10, 2: 3}


async def test_buckets_leave_out_gaps_text_and_suspect_times(store, row):
    await put(store, row, [1, None, "open", "5", True, 3.5], step=1000)
    await put(store, row, [1000], start=AT + 10_000, flags=SUSPECT)

    assert await store.history.buckets(1, AT, AT + HOUR_US, HOUR_US) == [
        Bucket(AT, 4, 1, 10.5 / 4, 5)
    ]


async def test_buckets_count_from_the_start_of_the_span(store, row):
    await put(store, row, range(10))

    got = await store.history.buckets(1, AT + 1_000_000, AT + 10_000_000, 4_000_000)
    assert got == [
        Bucket(AT + 1_000_000, 4, 1, 2.5, 4),
        Bucket(AT + 5_000_000, 4, 5, 6.5, 8),
        Bucket(AT + 9_000_000, 1, 9, 9, 9),
    ]


@pytest.mark.parametrize("width", [0, -1, 1])
async def test_buckets_are_bounded(store, width):
    with pytest.raises(ValueError, match="width"):
        await store.history.buckets(1, AT, AT + HOUR_US, width)


async def test_sums_of_large_integers_do_not_fail(store, row):
    await put(store, row, [(1 << 63) - 1] * 4, step=1)

    (bucket,) = await store.history.buckets(1, AT, AT + HOUR_US, HOUR_US)
    assert bucket.mean == pytest.approx(float(1 << 63))


async def test_a_query_that_takes_too_long_ends(store):
    readers = Readers(store.database, seconds=0.05)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"
    with pytest.raises(StorageBusy, match="took more than"):
        await readers.run(lambda c: c.execute(endless).fetchone())
    assert await readers.run(lambda c: c.execute("SELECT 1").fetchone()) == (1,)
    readers.close()


async def test_closing_ends_a_query_that_runs(store):
    readers = Readers(store.database)
    has_begun = threading.Event()
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"

    def query(connection):
        has_begun.set()
        return connection.execute(endless).fetchone()

    task = asyncio.ensure_future(readers.run(query))
    await asyncio.to_thread(has_begun.wait, 5)
    await asyncio.to_thread(readers.close)
    with pytest.raises(StorageBusy, match="closing"):
        await task


async def test_waiting_queries_are_bounded(store):
    readers = Readers(store.database, threads=1, waiting=1)
    gate = threading.Event()
    tasks = [asyncio.ensure_future(readers.run(lambda _: gate.wait(5))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(StorageBusy, match="too many"):
        await readers.run(lambda _: None)
    gate.set()
    await asyncio.gather(*tasks)
    readers.close()


async def test_a_wrong_query_is_a_storage_error(store):
    with pytest.raises(StorageError, match="no such table"):
        await store.readers.run(lambda c: c.execute("SELECT * FROM nowhere"))


VALUES = st.one_of(
    st.none(), st.integers(-5, 5), st.floats(-5, 5), st.booleans(), st.sampled_from(["a", "1"])
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 20), VALUES, st.booleans()), max_size=40), st.data())
async def test_storing_behaves_like_a_dictionary(store, row, readings, data):
    """Any mix of duplicates, replacements and seconds ends as a plain model says."""
    series = data.draw(st.integers(1, 1 << 40))
    await store.writer.run(
        lambda c: c.execute("DELETE FROM readings WHERE series IN (?, ?)", (series, series + 1))
    )
    model = {}
    both = {}
    batch = WriteBatch()
    batch.keep_both.add(series + 1)
    for at, value, is_new_batch in readings:
        num, raw = encode(value)
        batch.checked.append(row(series, at, num, raw))
        batch.checked.append(row(series + 1, at, num, raw))
        model[at] = (num, raw) if model.get(at) != (num, raw) else model[at]
        if (num, raw) not in both.setdefault(at, []):
            both[at].append((num, raw))
        if is_new_batch:
            await store.writer.submit(batch)
            batch = WriteBatch()
            batch.keep_both.add(series + 1)
    await store.writer.submit(batch)

    query = "SELECT at, num, raw FROM readings WHERE series = ? ORDER BY at, seq"

    async def rows(number):
        return await store.readers.run(lambda c: c.execute(query, (number,)).fetchall())

    assert await rows(series) == [(at, *model[at]) for at in sorted(model)]
    assert await rows(series + 1) == [(at, *pair) for at in sorted(both) for pair in both[at]]

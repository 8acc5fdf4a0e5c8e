import time

from hub.storage.latest import load_latest
from hub.storage.writes import SUSPECT

AT = 1_772_000_000_000_000


async def repaired(store):
    return await store.readers.run(lambda c: load_latest(c, is_repaired=True))


async def test_the_saved_rows_are_given_back_after_a_clean_stop(store, fresh_batch, row):
    await store.writer.submit_latest([(2, AT, 1, None, AT, 9), (1, AT, None, '"x"', AT - 5, 9)])
    await store.writer.submit(fresh_batch(row(1, AT + 1, 5)))

    assert await store.load_latest() == [(1, AT, None, '"x"', AT - 5, 9), (2, AT, 1, None, AT, 9)]


async def test_readings_after_the_saved_row_count(store, fresh_batch, row):
    await store.writer.submit_latest([(1, AT, 5, None, AT - 100, 9), (2, AT, 5, None, AT - 100, 9)])
    await store.writer.submit(
        fresh_batch(
            row(1, AT, 5),
            row(1, AT + 1, 5),
            row(1, AT + 2, 6, lag=77),
            row(1, AT + 3, 6, lag=78),
            row(1, AT + 4, 99, flags=SUSPECT),
            row(2, AT, 5),
            row(2, AT + 9, 5, lag=3),
        )
    )

    assert await repaired(store) == [
        (1, AT + 3, 6, None, AT + 2, 78),
        (2, AT + 9, 5, None, AT - 100, 3),
    ]


async def test_a_replaced_value_and_a_second_one_at_the_same_moment_count(store, fresh_batch, row):
    await store.writer.submit_latest([(1, AT, 5, None, AT, 9), (2, AT, 5, None, AT, 9)])
    await store.writer.submit(
        fresh_batch(row(1, AT, 6, lag=1), row(2, AT, 4), row(2, AT, 5, seq=1))
    )

    assert await repaired(store) == [(1, AT, 6, None, AT, 1), (2, AT, 5, None, AT, 9)]


async def test_series_without_a_saved_row_are_found(store, fresh_batch, row):
    await store.writer.submit(
        fresh_batch(
            row(3, AT, 1),
            row(3, AT + 1, 2),
            row(3, AT + 2, 2, lag=4),
            row(5, AT, 1, flags=SUSPECT),
            row(7, AT, None),
        )
    )

    assert await repaired(store) == [
        (3, AT + 2, 2, None, AT + 1, 4),
        (7, AT, None, None, AT, 1000),
    ]


async def test_many_series_are_repaired_in_a_moment(store, fresh_batch, row):
    count = 20_000
    await store.writer.submit(fresh_batch(*[row(n, AT, n) for n in range(count)]))
    await store.writer.submit(fresh_batch(*[row(n, AT + 1, n) for n in range(count)]))
    await store.writer.submit_latest([(n, AT, n, None, AT, 1000) for n in range(0, count, 2)])
    started = time.perf_counter()
    rows = await repaired(store)

    assert len(rows) == count
    assert time.perf_counter() - started < 10  # half a second, on a machine that is not shared

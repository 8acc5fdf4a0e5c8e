import asyncio
import sqlite3
import threading
import time

import pytest

from hub.errors import StorageBusy, StorageError, StorageFull
from hub.storage.reserve import Reserve
from hub.storage.store import Store
from hub.storage.writes import DUPLICATE, NEW, REPLACED, QuarantineItem, WriteBatch, WriteResult

AT = 1_772_000_000_000_000


async def stored(store):
    query = "SELECT series, at, seq, num, raw FROM readings ORDER BY series, at, seq"
    return await store.readers.run(lambda c: c.execute(query).fetchall())


class Gate:
    """A fault that holds the writer at one place until it is opened."""

    def __init__(self, place="begin"):
        self.place = place
        self.is_reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, place):
        if place == self.place:
            self.is_reached.set()
            assert self.opened.wait(30)

    async def reached(self):
        assert await asyncio.to_thread(self.is_reached.wait, 10)


async def test_a_batch_is_on_disk_once_its_future_is_done(store, fresh_batch, row, tmp_path):
    await store.writer.submit(fresh_batch(row(1, AT, 21.5), row(2, AT, None, '"open"')))

    other = sqlite3.connect(tmp_path / "fieldhub.db")
    assert other.execute("SELECT series, num, raw FROM readings").fetchall() == [
        (1, 21.5, None),
        (2, None, '"open"'),
    ]
    other.close()


async def test_numbers_keep_their_kind(store, fresh_batch, row):
    await store.writer.submit(fresh_batch(row(1, AT, 7), row(1, AT + 1, 7.0), row(1, AT + 2, None)))

    values = [r[3] for r in await stored(store)]
    assert [(v, type(v)) for v in values] == [(7, int), (7.0, float), (None, type(None))]


async def test_what_waits_is_committed_together(store, fresh_batch, row):
    gate = Gate()
    store.writer.fault = gate
    first = store.writer.submit(fresh_batch(row(1, AT, 0)))
    await gate.reached()
    rest = [store.writer.submit(fresh_batch(row(1, AT + n, n))) for n in range(1, 301)]
    before = store.writer.counters.commit_count
    gate.opened.set()
    await asyncio.gather(first, *rest)

    assert store.writer.counters.commit_count == before + 2
    assert len(await stored(store)) == 301


async def test_results_come_in_the_order_of_submission_and_before_the_hook(store, fresh_batch, row):
    seen = []
    batches = [fresh_batch(row(1, AT + n, n)) for n in range(50)]
    store.writer.on_committed = lambda done: seen.extend((b, b.result) for b in done)
    futures = [store.writer.submit(batch) for batch in batches]
    store_done = []
    for place, future in enumerate(futures):
        future.add_done_callback(lambda _, n=place: store_done.append(n))
    await asyncio.gather(*futures)

    assert [b for b, _ in seen] == batches
    assert all(result == WriteResult() for _, result in seen)
    assert store_done == list(range(50))


async def test_checked_rows_are_new_duplicate_or_replace(store, checked_batch, row):
    first = checked_batch(row(1, AT, 1), row(1, AT + 1, None, '"a"'), row(1, AT + 2))
    assert (await store.writer.submit(first)).outcomes == bytes([NEW, NEW, NEW])

    again = checked_batch(
        row(1, AT, 1), row(1, AT + 1, None, '"b"'), row(1, AT + 2), row(1, AT + 3, 4)
    )
    result = await store.writer.submit(again)

    assert result.outcomes == bytes([DUPLICATE, REPLACED, DUPLICATE, NEW])
    assert [r[1:] for r in await stored(store)] == [
        (AT, 0, 1, None),
        (AT + 1, 0, None, '"b"'),
        (AT + 2, 0, None, None),
        (AT + 3, 0, 4, None),
    ]


async def test_a_series_that_keeps_both_gets_the_next_seq(store, checked_batch, row):
    await store.writer.submit(checked_batch(row(1, AT, 1), keep_both=[1]))
    second = await store.writer.submit(
        checked_batch(row(1, AT, 2), row(1, AT, 1), row(1, AT, 3), row(1, AT, 2), keep_both=[1])
    )

    assert second.outcomes == bytes([NEW, DUPLICATE, NEW, DUPLICATE])
    assert [r[2:4] for r in await stored(store)] == [(0, 1), (1, 2), (2, 3)]


async def test_the_same_moment_twice_in_one_batch_is_seen(store, checked_batch, row):
    result = await store.writer.submit(
        checked_batch(row(1, AT, 1), row(1, AT, 1), row(1, AT, 2), row(2, AT, 1))
    )

    assert result.outcomes == bytes([NEW, DUPLICATE, REPLACED, NEW])
    assert [r[3] for r in await stored(store)] == [2, 1]


@pytest.mark.parametrize("count", [1, 2, 127, 1000, 1024, 1025, 2500])
async def test_any_number_of_rows_is_decided(store, checked_batch, row, count):
    rows = [row(n % 7, AT + n, n * 0.5) for n in range(count)]
    odd = [r for n, r in enumerate(rows) if n % 2]
    await store.writer.submit(checked_batch(*odd))

    result = await store.writer.submit(checked_batch(*rows))

    assert result.outcomes == bytes(DUPLICATE if n % 2 else NEW for n in range(count))
    assert len(await stored(store)) == count


async def test_a_fresh_row_that_exists_is_decided_alone(store, fresh_batch, row):
    await store.writer.submit(fresh_batch(row(1, AT, 1)))
    gate = Gate()
    store.writer.fault = gate
    blocker = store.writer.submit(fresh_batch(row(9, AT, 0)))
    await gate.reached()
    good = store.writer.submit(fresh_batch(row(2, AT, 2)))
    wrong = store.writer.submit(fresh_batch(row(1, AT, 1), row(1, AT + 1, 5)))
    also_good = store.writer.submit(fresh_batch(row(3, AT, 3)))
    gate.opened.set()
    await asyncio.gather(blocker, good, also_good)

    assert (await wrong).fresh_outcomes == bytes([DUPLICATE, NEW])
    assert (await good).fresh_outcomes is None
    assert [(r[0], r[3]) for r in await stored(store)] == [(1, 1), (1, 5), (2, 2), (3, 3), (9, 0)]


async def test_one_bad_batch_fails_alone(store, fresh_batch, row):
    await store.records.declare("thing", {"name": "$.name"})
    failed = []
    store.writer.on_failed = lambda batches, error: failed.append((batches, error))
    gate = Gate()
    store.writer.fault = gate
    jobs = [store.writer.submit(fresh_batch(row(n, AT, n))) for n in range(3)]
    await gate.reached()
    bad = fresh_batch(row(8, AT, 8))
    bad.records.append(("thing", "x", b"{ not json"))
    wrong = store.writer.submit(bad)
    jobs += [store.writer.submit(fresh_batch(row(n, AT, n))) for n in range(3, 6)]
    gate.opened.set()
    await asyncio.gather(*jobs)

    with pytest.raises(StorageError):
        await wrong
    assert [r[0] for r in await stored(store)] == [0, 1, 2, 3, 4, 5]
    assert failed[0][0] == [bad]
    assert isinstance(failed[0][1], StorageError)


async def test_records_of_one_group_end_as_their_order_says(store):
    gate = Gate()
    store.writer.fault = gate
    futures = []
    for body in (b"{}", b'{"n":1}', None, b'{"n":2}'):
        batch = WriteBatch()
        batch.records.append(("device", "a", body))
        futures.append(store.writer.submit(batch))
        await gate.reached()
    gate.opened.set()
    await asyncio.gather(*futures)

    assert await store.records.get("device", "a") == b'{"n":2}'


async def test_a_function_runs_between_the_batches_around_it(store, fresh_batch, row):
    first = store.writer.submit(fresh_batch(row(1, AT, 1)))
    count = store.writer.run(lambda c: c.execute("SELECT count(*) FROM readings").fetchone()[0])
    second = asyncio.ensure_future(count)
    await asyncio.sleep(0)
    third = store.writer.submit(fresh_batch(row(1, AT + 1, 1)))
    await asyncio.gather(first, third)

    assert await second == 1


async def test_a_function_that_raises_changes_nothing_and_hurts_nobody(store, fresh_batch, row):
    def half(connection):
        connection.execute("INSERT INTO latest VALUES (1, 1, 1, 1, 1, 1)")
        raise KeyError("no such thing")

    good = store.writer.submit(fresh_batch(row(1, AT, 1)))
    with pytest.raises(KeyError, match="no such thing"):
        await store.writer.run(half)
    await good

    assert await store.history.latest() == []


async def test_what_nobody_waits_for_is_committed_within_a_second(store, fresh_batch, row):
    started = time.monotonic()
    lazy = [store.writer.submit(fresh_batch(row(1, AT + n, n)), is_urgent=False) for n in range(20)]
    before = store.writer.counters.commit_count
    await asyncio.sleep(0.2)
    assert not lazy[0].done()
    await asyncio.gather(*lazy)

    assert 0.8 < time.monotonic() - started < 1.8
    assert store.writer.counters.commit_count == before + 1


async def test_what_nobody_waits_for_goes_with_the_next_urgent_batch(store, fresh_batch, row):
    lazy = store.writer.submit(fresh_batch(row(1, AT, 1)), is_urgent=False)
    await store.writer.submit(fresh_batch(row(1, AT + 1, 2)))

    assert lazy.done()


async def test_a_stalled_writer_refuses_within_a_second_and_recovers(store, fresh_batch, row):
    committed = []
    is_all = asyncio.Event()

    def note(batches_done):
        committed.extend(batches_done)
        if len(committed) == 5:
            is_all.set()

    store.writer.on_committed = note
    gate = Gate("commit")
    store.writer.fault = gate
    started = time.monotonic()
    batches = [fresh_batch(row(n, AT, n)) for n in range(5)]
    waiting = [store.writer.submit(batch) for batch in batches]
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert 0.8 < time.monotonic() - started < 1.6
    assert all(isinstance(r, StorageBusy) for r in results)
    assert store.writer.is_stalled
    with pytest.raises(StorageBusy):
        store.writer.submit(fresh_batch(row(9, AT, 9)))

    gate.opened.set()
    await is_all.wait()
    assert not store.writer.is_stalled
    await store.writer.submit(fresh_batch(row(9, AT, 9)))
    assert committed[:5] == batches  # although nobody waited any more
    assert len(await stored(store)) == 6
    assert store.writer.counters.stall_count == 1


async def test_a_slow_disk_is_waited_for_no_longer_than_the_patience(
    store, fresh_batch, row, monkeypatch
):
    monkeypatch.setattr("hub.storage.watchdog.PATIENCE_SECONDS", 0.6)
    held = threading.Event()

    def slow(place):
        for _ in range(15 if place == "commit" else 0):
            if held.wait(0.1):
                return
            store.writer._committer.tick()  # it moves, if slowly

    store.writer.fault = slow
    first = store.writer.submit(fresh_batch(row(1, AT, 1)))
    with pytest.raises(StorageBusy, match="too slow"):
        await first
    assert not store.writer.is_stalled
    held.set()


async def test_what_may_wait_is_bounded(store, fresh_batch, row):
    store.writer._max_rows = 100
    gate = Gate()
    store.writer.fault = gate
    futures = [store.writer.submit(fresh_batch(*[row(1, AT + n, n) for n in range(500)]))]
    await gate.reached()  # a single batch above the bound is accepted
    with pytest.raises(StorageBusy, match="too much waits"):
        store.writer.submit(fresh_batch(row(2, AT, 1)))
    gate.opened.set()
    await asyncio.gather(*futures)

    await store.writer.submit(fresh_batch(row(2, AT, 1)))
    assert store.writer.counters.queued_row_count == 0
    assert store.writer.counters.queued_bytes == 0


async def test_bytes_that_may_wait_are_bounded(store, fresh_batch, row):
    store.writer._max_bytes = 10_000
    gate = Gate()
    store.writer.fault = gate
    first = store.writer.submit(fresh_batch(row(1, AT, 1)))
    big = WriteBatch()
    big.quarantined.append(
        QuarantineItem(received=AT, plugin="p", source="s", reason="r", body=b"x" * 10_000)
    )
    with pytest.raises(StorageBusy):
        store.writer.submit(big)
    texts = fresh_batch(row(2, AT, None, '"' + "x" * 10_000 + '"'))
    with pytest.raises(StorageBusy):
        store.writer.submit(texts)
    gate.opened.set()
    await first


async def test_a_full_disk_fails_all_that_wait_and_nothing_is_half_stored(
    store, fresh_batch, row, monkeypatch
):
    told = []
    store.writer.on_full = lambda: told.append(1)

    def full(place):
        if place == "commit":
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    store.writer.fault = full
    # The folder's real disk is not full: keep the reserve from coming back at once.
    monkeypatch.setattr(Reserve, "free_bytes", lambda _self: 0)
    batches = [fresh_batch(row(n, AT, n)) for n in range(3)]
    results = await asyncio.gather(
        *[store.writer.submit(b) for b in batches], return_exceptions=True
    )
    assert all(isinstance(r, StorageFull) for r in results)
    assert len({id(r) for r in results}) == 3
    assert await stored(store) == []
    assert told == [1]
    assert not (store.database.folder / "reserve.bin").exists()

    with pytest.raises(StorageFull):
        await store.writer.submit(fresh_batch(row(9, AT, 9)))
    store.writer.fault = None
    # Background work is let through, for it may free space.
    assert (await store.writer.run_slice(lambda _: 5)).value == 5

    monkeypatch.undo()
    await store.writer.submit(fresh_batch(row(9, AT, 9)))
    assert (store.database.folder / "reserve.bin").stat().st_size == 64 * 1024
    assert not store.writer.counters.is_full


async def test_an_input_output_error_fails_the_group_and_the_next_one_goes_on(
    store, fresh_batch, row
):
    def broken(_place):
        raise OSError(5, "Input/output error")

    store.writer.fault = broken
    with pytest.raises(StorageError, match="Input/output error"):
        await store.writer.submit(fresh_batch(row(1, AT, 1)))
    store.writer.fault = None
    await store.writer.submit(fresh_batch(row(1, AT, 1)))

    assert len(await stored(store)) == 1
    assert store.writer.counters.failed_batch_count == 1
    assert "Input/output" in store.writer.counters.last_error


async def test_background_work_follows_all_that_was_handed_over_before_it(store, fresh_batch, row):
    lazy = store.writer.submit(fresh_batch(row(1, AT, 1)), is_urgent=False)
    done = await store.writer.run_slice(
        lambda c: c.execute("SELECT count(*) FROM readings").fetchone()[0]
    )

    assert done.value == 1
    assert done.seconds > 0
    assert lazy.done()


async def test_background_work_gets_its_turn_beside_constant_load(store, fresh_batch, row):
    is_over = False
    count = 0

    async def load(series):
        nonlocal count
        while not is_over:
            count += 1
            await store.writer.submit(fresh_batch(row(series, AT + count, 1)))

    tasks = [asyncio.ensure_future(load(n)) for n in range(4)]
    try:
        async with asyncio.timeout(10):
            for _ in range(2):
                await store.writer.run_slice(lambda _: None)
    finally:
        is_over = True
        await asyncio.gather(*tasks)


async def test_background_work_is_bounded(store, monkeypatch):
    monkeypatch.setattr("hub.storage.writer._MAX_BACKGROUND", 3)
    gate = Gate()
    store.writer.fault = gate
    first = store.writer.submit_latest([(1, AT, 1, None, AT, 0)])
    await gate.reached()
    rows = [(n, AT, 1, None, AT, 0) for n in range(3500)]
    with pytest.raises(StorageBusy, match="background"):
        store.writer.submit_latest(rows)
    gate.opened.set()
    await first


async def test_the_last_values_are_saved_in_the_background(store):
    rows = [(n, AT, n * 1.5, None, AT - 5, 7) for n in range(2500)]
    await store.writer.submit_latest(rows)
    await store.writer.submit_latest([(3, AT + 1, None, '"x"', AT + 1, 8)])

    rows[3] = (3, AT + 1, None, '"x"', AT + 1, 8)
    assert await store.history.latest() == rows


async def test_closing_finishes_what_was_handed_over(tmp_path, clock, fresh_batch, row):
    store = Store(tmp_path, clock)
    await store.open()
    urgent = store.writer.submit(fresh_batch(row(1, AT, 1)))
    lazy = store.writer.submit(fresh_batch(row(2, AT, 1)), is_urgent=False)
    latest = store.writer.submit_latest([(1, AT, 1, None, AT, 0)])
    assert await store.close()
    assert urgent.done()
    assert lazy.done()
    assert latest.done()
    with pytest.raises(StorageBusy):
        store.writer.submit(fresh_batch(row(3, AT, 1)))
    assert {p.name for p in tmp_path.iterdir()} == {"fieldhub.db", "quarantine", "reserve.bin"}

    again = Store(tmp_path, clock)
    report = await again.open()
    assert not report.was_unclean
    assert len(await stored(again)) == 2
    await again.close()


async def test_closing_does_not_wait_for_ever(tmp_path, clock, fresh_batch, row):
    store = Store(tmp_path, clock)
    gate = Gate()
    await store.open()
    store.writer.fault = gate
    future = store.writer.submit(fresh_batch(row(1, AT, 1)))
    await gate.reached()
    assert not await store.writer.close(seconds=0.1)
    gate.opened.set()
    await future
    assert await store.close()


async def test_closing_a_writer_that_never_started_is_fine(tmp_path, clock):
    store = Store(tmp_path, clock)
    with pytest.raises(StorageBusy):
        store.writer.submit(WriteBatch())
    assert await store.close()


async def test_an_error_nobody_foresaw_leaves_nobody_waiting(tmp_path, clock, fresh_batch, row):
    class Unforeseen(BaseException):
        pass

    def explode(_place):
        raise Unforeseen

    store = Store(tmp_path, clock)
    await store.open()
    hook, threading.excepthook = threading.excepthook, lambda _: None
    try:
        store.writer.fault = explode
        future = store.writer.submit(fresh_batch(row(1, AT, 1)))
        with pytest.raises(StorageError, match="has ended"):
            await future
        with pytest.raises(StorageError, match="has ended"):
            store.writer.submit(fresh_batch(row(1, AT, 1)))
        assert await store.close()
    finally:
        threading.excepthook = hook


async def test_a_checkpoint_that_fails_hurts_nobody(store, fresh_batch, row):
    def broken(place):
        if place == "checkpoint":
            raise OSError(5, "Input/output error")

    store.writer.fault = broken
    await store.writer.submit(fresh_batch(row(1, AT, 1)))
    await store.writer.checkpoint()
    assert "Input/output" in store.writer.counters.last_error
    store.writer.fault = None
    await store.writer.checkpoint()
    assert store.writer.counters.checkpoint_count == 1


async def test_a_connection_that_cannot_roll_back_is_replaced(store, fresh_batch, row):
    def cut(place):
        if place == "commit":
            store.writer._committer._connection.close()

    store.writer.fault = cut
    with pytest.raises(StorageError):
        await store.writer.submit(fresh_batch(row(1, AT, 1)))
    store.writer.fault = None
    await store.writer.submit(fresh_batch(row(2, AT, 1)))
    assert [r[0] for r in await stored(store)] == [2]


async def test_the_log_stays_short_under_load(store, fresh_batch, row):
    for n in range(60):
        await store.writer.submit(fresh_batch(*[row(k, AT + n, n) for k in range(2000)]))

    counters = store.writer.counters
    assert counters.checkpoint_count > 1
    assert counters.longest_wal < 12_000  # pages
    assert (store.database.folder / "fieldhub.db-wal").stat().st_size < 50 << 20


async def test_a_reading_takes_at_most_fifty_bytes(store, row):
    for n in range(0, 500, 10):
        batch = WriteBatch()
        batch.fresh = [
            row(s, AT + k * 60_000_000 + s * 977, (s * 37 + k * 11) % 997 / 10, lag=52_345)
            for k in range(n, n + 10)
            for s in range(200)
        ]
        await store.writer.submit(batch)
    await store.writer.checkpoint()

    pages = await store.readers.run(
        lambda c: c.execute("SELECT count(*) FROM dbstat WHERE name = 'readings'").fetchone()[0]
    )
    assert pages * 4096 / 100_000 <= 50


async def test_the_writer_cannot_start_in_a_folder_that_has_gone(tmp_path, clock):
    store = Store(tmp_path, clock)
    store.database.open()
    (tmp_path / "quarantine").write_bytes(b"in the way")
    with pytest.raises(StorageError):
        await store.writer.start()
    assert await store.close()


async def test_who_is_patient_waits_through_a_stall(store, fresh_batch, row):
    gate = Gate()
    store.writer.fault = gate
    with pytest.raises(StorageBusy):
        await store.writer.submit(fresh_batch(row(1, AT, 1)))
    patient = asyncio.ensure_future(store.writer.run(lambda _: 7, is_patient=True))
    await asyncio.sleep(0)
    gate.opened.set()
    assert await patient == 7

from hub.testing.clock import ManualClock
from hub.web.counts import Counts, Repeats


def test_an_owner_has_one_tally():
    counts = Counts()

    assert counts.of("barn") is counts.of("barn")


async def test_a_line_is_written_once_a_minute_with_the_number_of_those_kept_quiet():
    clock = ManualClock()
    repeats = Repeats(clock)

    assert repeats.count_since_last("barn", "KeyError") == 0
    assert repeats.count_since_last("barn", "KeyError") is None
    assert repeats.count_since_last("barn", "ValueError") == 0
    await clock.advance(60)
    assert repeats.count_since_last("barn", "KeyError") == 1
    assert repeats.count_since_last("barn", "KeyError") is None


def test_the_kinds_of_lines_remembered_are_bounded():
    repeats = Repeats(ManualClock())

    for number in range(1000):
        repeats.count_since_last(str(number))

    assert len(repeats._seen) <= 256

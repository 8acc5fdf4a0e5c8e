from hub.accounts.throttle import Throttle


def pauses(throttle, clock, count):
    for _ in range(count):
        throttle.tried("192.0.2.7")
    return throttle.pause("192.0.2.7")


async def test_the_pause_doubles_up_to_a_minute(clock):
    throttle = Throttle(clock)

    assert pauses(throttle, clock, 4) == 0
    assert [pauses(throttle, clock, 1) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_success_forgets_the_failures(clock):
    throttle = Throttle(clock)
    pauses(throttle, clock, 9)

    throttle.succeeded("192.0.2.7")

    assert pauses(throttle, clock, 4) == 0


async def test_a_quarter_of_an_hour_forgets_the_failures(clock):
    throttle = Throttle(clock)
    pauses(throttle, clock, 9)

    await clock.advance(minutes=15)

    assert throttle.pause("192.0.2.7") == 0
    assert pauses(throttle, clock, 4) == 0


async def test_the_number_of_remembered_addresses_is_bounded(clock):
    throttle = Throttle(clock)

    for number in range(5000):
        throttle.tried(str(number))

    assert len(throttle._failures) == 4096

"""A message leaves nothing behind that only the garbage collector can find."""

import gc


async def test_messages_leave_no_cycles_behind(rig):
    await rig.send(0.5, rig.at(0))
    gc.collect()
    gc.disable()
    try:
        for number in range(100):
            await rig.send(number, rig.at(number + 1))
        found = gc.collect()
    finally:
        gc.enable()

    assert found < 50

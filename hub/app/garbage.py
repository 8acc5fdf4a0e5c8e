"""The garbage collector, kept away from what lives as long as the hub.

A full collection walks over every entity: with a hundred thousand of them it holds the loop for a
third of a second. What has survived is therefore frozen, which takes it out of the collector's
sight; reference counts still free it. Only a cycle that is frozen while it lives stays for good,
and the messages of the hub make none.
"""

import gc
from collections.abc import Callable

from hub.clock import Clock
from hub.tasks import Tasks

YOUNG_OBJECTS = 50_000
_LOOK_SECONDS = 2.0


def tune(clock: Clock, tasks: Tasks) -> Callable[[], None]:
    """Freeze what there is, and from now on what has survived; return what undoes it."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    # The older generations are never due: what would grow into them is frozen before.
    gc.set_threshold(YOUNG_OBJECTS, 1000, 1000)

    async def settle() -> None:
        while True:
            await clock.sleep(_LOOK_SECONDS)
            if gc.get_count()[1]:
                gc.collect(0)
                gc.freeze()

    stop = tasks.spawn(settle(), name="garbage")

    def undo() -> None:
        stop()
        gc.unfreeze()
        gc.set_threshold(*before)

    return undo

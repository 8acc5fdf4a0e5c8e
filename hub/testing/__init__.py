"""The kit for plugin authors: fixtures, a clock that tests move, a client, and the contract.

``hub.testing.fixtures`` lists the fixtures, which pytest finds by itself; ``hub.testing.contract``
holds the tests that every plugin must pass.
"""

from hub.testing.client import Client, Reply
from hub.testing.clock import ManualClock
from hub.testing.events import Recorder

__all__ = ["Client", "ManualClock", "Recorder", "Reply"]

"""The durable path: the only writer of readings.

A batch is prepared (:mod:`hub.ingest.prepare`), committed by the storage's writer, and applied
(:mod:`hub.ingest.apply`): registry and states first, then the bus. :class:`Ingest` is the whole of
it; :mod:`hub.ingest.presence` watches who has fallen silent.
"""

from hub.ingest.path import Ingest

__all__ = ["Ingest"]

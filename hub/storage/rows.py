"""What the stores give to those who ask."""

from collections.abc import Mapping

from attrs import frozen

from hub.model import Value


@frozen
class Row:
    """A stored reading; ``at`` and ``received`` in microseconds."""

    at: int
    seq: int
    value: Value
    received: int
    is_suspect: bool


@frozen
class Bucket:
    """What the numbers of a span of time amount to; ``start`` in microseconds."""

    start: int
    count: int
    min: float
    mean: float
    max: float


@frozen(kw_only=True)
class QuarantineEntry:
    """A kept message without its body; ``received`` in microseconds, ``size`` in bytes."""

    id: int
    received: int
    plugin: str
    source: str
    reason: str
    route: str
    part: str
    headers: Mapping[str, str]
    size: int

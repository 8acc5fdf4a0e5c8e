"""What the writer tells about itself, for the metrics."""

from attrs import define


@define
class WriterCounters:
    """Counts and durations since the start; seconds are floats, for they are added up often.

    The thread writes them and the loop reads them: each is one number, so no lock is needed.
    ``longest_*`` are the largest seen.
    """

    commit_count: int = 0
    row_count: int = 0
    batch_count: int = 0
    failed_batch_count: int = 0
    refused_batch_count: int = 0
    commit_seconds: float = 0.0
    longest_commit: float = 0.0
    checkpoint_count: int = 0
    checkpoint_seconds: float = 0.0
    longest_checkpoint: float = 0.0
    wal_pages: int = 0
    longest_wal: int = 0
    slice_count: int = 0
    slice_seconds: float = 0.0
    longest_slice: float = 0.0
    queued_row_count: int = 0
    queued_bytes: int = 0
    stall_count: int = 0
    is_full: bool = False
    is_damaged: bool = False
    last_error: str | None = None

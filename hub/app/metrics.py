"""What the hub tells about itself: every room's counters as metrics."""

from collections.abc import Iterator

from hub.app.core import Core
from hub.loader import Loader
from hub.web.metrics import Metric, counter, gauge


def core_metrics(core: Core) -> Iterator[Metric]:
    """Say what was taken in, and what the stores do."""
    ingest, writer = core.ingest, core.store.writer.counters
    yield counter("readings_stored_total", "Readings that were new", ingest.reading_count)
    yield counter(
        "readings_duplicate_total", "Readings that were there already", ingest.duplicate_count
    )
    yield counter(
        "readings_replaced_total",
        "Readings whose moment had another value before",
        ingest.replaced_count,
    )
    yield counter(
        "readings_suspect_total",
        "Readings whose clock can't be right: stored, and never shown as a state",
        ingest.suspect_count,
    )
    yield counter("storage_commits_total", "Commits of the writer", writer.commit_count)
    yield counter("storage_rows_total", "Rows written", writer.row_count)
    yield counter("storage_batches_total", "Batches written", writer.batch_count)
    yield counter(
        "storage_failed_batches_total", "Batches that could not be written",
        writer.failed_batch_count,
    )  # fmt: skip
    yield counter(
        "storage_refused_batches_total", "Batches refused because the writer was behind",
        writer.refused_batch_count,
    )  # fmt: skip
    yield counter("storage_commit_seconds_total", "Time spent on commits", writer.commit_seconds)
    yield gauge("storage_longest_commit_seconds", "Longest commit", writer.longest_commit)
    yield gauge("storage_queued_rows", "Rows that wait for the writer", writer.queued_row_count)
    yield gauge("storage_is_full", "1 while the disk is full", float(writer.is_full))
    yield gauge("storage_wal_pages", "Pages in the write-ahead log", writer.wal_pages)
    yield counter("bus_events_total", "Events published", core.bus.published_count)
    yield counter(
        "bus_failures_total", "Subscribers that failed on an event", core.bus.failed_count
    )
    yield gauge("entities", "Entities in the registry", len(core.registry))
    yield gauge("devices", "Devices in the registry", len(core.registry.devices))
    online = sum(1 for status in ingest.presence.gateways.values() if status.is_online)
    yield gauge("gateways", "Gateways in the registry", len(core.registry.gateways))
    yield gauge("gateways_online", "Gateways that were heard lately", online)
    quarantine = core.store.quarantine
    yield gauge("quarantine_messages", "Messages in the quarantine", quarantine.count)
    yield gauge("quarantine_bytes", "Bytes in the quarantine", quarantine.byte_count)
    yield counter(
        "quarantine_dropped_total", "Messages the quarantine's bound has cost",
        quarantine.dropped_count,
    )  # fmt: skip
    yield gauge("problems", "Problems the user should see", len(core.notices.all()))


def plugin_metrics(loader: Loader) -> Iterator[Metric]:
    """Say how every plugin is doing, and what it counts."""
    plugins = loader.plugins.values()
    yield Metric(
        "plugin_up", "gauge", "1 while the plugin runs",
        [({"plugin": p.name}, float(p.status == "running")) for p in plugins],
    )  # fmt: skip
    yield Metric(
        "plugin_batches_total", "counter", "Batches the plugin has stored",
        [({"plugin": p.name}, p.message_count) for p in plugins],
    )  # fmt: skip
    yield Metric(
        "plugin_counts_total", "counter", "What the plugin itself counts",
        [
            ({"plugin": p.name, "counter": name}, count)
            for p in plugins
            for name, count in p.counters.items()
        ],
    )  # fmt: skip

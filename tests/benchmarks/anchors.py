"""Anchors that need no server: the disk's rate of syncs, and SQLite with one row a commit.

Home Assistant and Node-RED are not part of this project's environment. Their figures were recorded
on a machine of the same size (2 cores, AMD EPYC, ext4; Python 3.13, Home Assistant 2025.4.4,
Node-RED 4.1) and stand in for a measurement; the table says so.
"""

import os
import sqlite3
import time
from pathlib import Path

RECORDED = {
    "Node-RED file flow": 3050.0,
    "HA webhook automation": 3450.0,
    "HA POST states with recorder": 2050.0,
    "HA recorder states/s": 5060.0,
    "HA fire, 1 listener": 406_000.0,
    "HA fire, 10 listeners": 281_000.0,
    "HA fire, 100 listeners": 41_000.0,
    "HA state changes/s": 109_000.0,
    "HA registry load, 100,000 entities": 3.0,
}


def sync_rate(folder: Path, seconds: float = 1.0) -> float:
    """Return how many times a second 4 KiB can be appended and fdatasync'ed."""
    path = folder / "sync.bin"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    block = b"x" * 4096
    count = 0
    began = time.perf_counter()
    try:
        while time.perf_counter() - began < seconds:
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            count += 1
    finally:
        os.close(descriptor)
        path.unlink()
    return count / (time.perf_counter() - began)


def single_row_rate(folder: Path, seconds: float = 1.0) -> float:
    """Return SQLite's rows a second with one row a commit at full sync."""
    path = folder / "single.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE readings(series INTEGER, at INTEGER, seq INTEGER, num, raw TEXT,"
        " lag INTEGER, flags INTEGER, PRIMARY KEY(series, at, seq)) WITHOUT ROWID"
    )
    count = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        connection.execute(
            "INSERT INTO readings VALUES(?,?,0,?,NULL,1000000,0)", (count % 600, count, 20.5)
        )
        count += 1
    took = time.perf_counter() - began
    connection.close()
    for name in ("single.db", "single.db-wal", "single.db-shm"):
        (folder / name).unlink(missing_ok=True)
    return count / took

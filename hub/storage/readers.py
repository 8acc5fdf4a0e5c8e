"""Connections that only read, each on a thread of a small pool."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hub.errors import StorageBusy
from hub.storage.database import Database, storage_error

T = TypeVar("T")
_OPERATIONS = 200_000  # between two looks at the time limit; a few milliseconds of work


class Readers:
    """Runs queries off the loop; each sees what was committed when it began.

    At most *waiting* queries wait for one of the *threads*; a query may take *seconds*. Both
    bounds end in `StorageBusy`. A query must fetch all it wants before it returns: an open cursor
    would keep the write-ahead log from being shortened.
    """

    def __init__(
        self, database: Database, *, threads: int = 2, waiting: int = 64, seconds: float = 10.0
    ) -> None:
        self._database = database
        self._limit = threads + waiting
        self._seconds = seconds
        self._running = 0
        self._is_closing = False
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="storage-reader")

    async def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Return what *query* returns, called on a reader's thread.

        Raises:
            StorageBusy: too many queries wait, or this one took too long.
            StorageError: the database could not be read.
        """
        if self._running >= self._limit:
            raise StorageBusy("too many queries are waiting: try again later")
        self._running += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, query)
        finally:
            self._running -= 1

    def close(self) -> None:
        """End the queries that run, then close the connections; blocks."""
        self._is_closing = True
        for connection in self._connections:
            connection.interrupt()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def _run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._connection()
            limit = time.monotonic() + self._seconds
            connection.set_progress_handler(
                lambda: self._is_closing or time.monotonic() > limit, _OPERATIONS
            )
            return query(connection)
        except sqlite3.Error as err:
            if getattr(err, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                if self._is_closing:
                    raise StorageBusy("the storage is closing: try again later") from err
                raise StorageBusy(
                    f"the query took more than {self._seconds:g} s: ask for a shorter time"
                ) from err
            raise storage_error(err, self._database.folder) from err

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._database.connect_reader()
            self._connections.append(connection)
        return connection

"""Passwords: argon2id, off the event loop, and at most one at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.errors import RegistryError, StorageBusy

MIN_LENGTH = 8
MAX_LENGTH = 1024
_MAX_WAITING = 32
T = TypeVar("T")


def default_hasher() -> PasswordHasher:
    """Return argon2id with 19 MiB and two passes.

    It is the least that the OWASP password storage sheet asks for: a board with 512 MiB of memory
    takes it in its stride, and a log-in waits some tens of milliseconds.
    """
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Passwords:
    """Hashes passwords and compares them in a thread of its own."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or default_hasher()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._waiting_count = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """Return the argon2id hash of *password*.

        Raises:
            RegistryError: It has fewer than 8 or more than 1024 characters.
            StorageBusy: Too many wait for the same thread.
        """
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise RegistryError(
                f"password: expected {MIN_LENGTH} to {MAX_LENGTH} characters, got {len(password)}"
            )
        return await self._run(self._hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether *password* belongs to the *stored* hash.

        Without a stored hash it takes as long and the answer is no, so that nobody learns from
        the time which users exist.

        Raises:
            StorageBusy: Too many wait for the same thread.
        """
        if len(password) > MAX_LENGTH:
            return False
        return await self._run(self._verify, stored, password)

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """End the thread; what waits is dropped."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *args: str | None) -> T:
        if self._waiting_count >= _MAX_WAITING:
            raise StorageBusy("too many log-ins at once: try again in a moment")
        self._waiting_count += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
        finally:
            self._waiting_count -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def _verify(self, stored: str | None, password: str) -> bool:
        if self._decoy is None:
            self._decoy = self._hash("nobody has this password")
        try:
            self._hasher.verify(stored or self._decoy, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

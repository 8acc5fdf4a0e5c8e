"""API tokens: shown once, kept as their SHA-256."""

import datetime as dt
import hashlib
import hmac
import secrets
from collections import OrderedDict

from attrs import evolve, frozen

from hub.accounts.store import Table
from hub.accounts.users import User, Users
from hub.clock import Clock, from_us, to_us
from hub.errors import RegistryError
from hub.ids import ulid
from hub.tasks import Tasks

PREFIX = "fh_"
"""Every token starts with it, so that people and secret scanners know one when they see it."""
_SECRET_BYTES = 32
_LONGEST_TOKEN = 128
_CACHED_COUNT = 256
_MAX_LABEL = 100
# A token may be used a thousand times a second; the disk hears of it once an hour.
_USE_SAVED_EVERY_US = 3_600_000_000


@frozen(kw_only=True)
class Token:
    """What is known of a token, which is everything but its text."""

    id: str
    user_id: str
    label: str
    created: dt.datetime
    last_used: dt.datetime | None = None
    expires: dt.datetime | None = None


class Tokens:
    """All API tokens of the hub."""

    def __init__(self, table: Table, users: Users, clock: Clock, tasks: Tasks) -> None:
        self._table = table
        self._users = users
        self._clock = clock
        self._tasks = tasks
        self._tokens: dict[str, Token] = {}
        self._by_digest: dict[bytes, tuple[bytes, str]] = {}
        self._verified: OrderedDict[str, str] = OrderedDict()
        for key, document in table.all().items():
            self._remember(_token(key, document), bytes.fromhex(document["sha256"]))

    async def add(self, user: User, label: str, *, expires: dt.datetime | None = None) -> str:
        """Make a token for *user* and return its text, which nobody can show again.

        Raises:
            RegistryError: The label is empty, too long or unprintable, or *expires* is past.
            StorageError: It could not be written.
        """
        label = label.strip()
        if not 1 <= len(label) <= _MAX_LABEL or not label.isprintable():
            raise RegistryError(f"token label: expected 1 to {_MAX_LABEL} printable characters")
        now_us = self._clock.now_us()
        expires_us = None if expires is None else to_us(expires)
        if expires_us is not None and expires_us <= now_us:
            raise RegistryError(f"token {label!r}: it would have expired already")
        text = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        digest = _digest(text)
        document = {
            "sha256": digest.hex(),
            "user": user.id,
            "label": label,
            "created_us": now_us,
            "last_used_us": None,
            "expires_us": expires_us,
        }
        key = ulid(now_us // 1000)
        await self._table.put(key, document)
        self._remember(_token(key, document), digest)
        return text

    def verify(self, text: str) -> User | None:
        """Return whose token this is, or None: unknown, expired, or its user is gone."""
        key = self._verified.get(text)
        if key is None:
            key = self._look_up(text)
            if key is None:
                return None
        token = self._tokens[key]
        now_us = self._clock.now_us()
        if token.expires is not None and to_us(token.expires) <= now_us:
            return None
        user = self._users.by_id(token.user_id)
        if user is not None:
            self._note_use(token, now_us)
        return user

    def all(self, user: User | None = None) -> list[Token]:
        """Return the tokens of *user*, or everybody's, in the order in which they were made."""
        return [t for t in self._tokens.values() if user is None or t.user_id == user.id]

    async def remove(self, token_id: str) -> None:
        """Remove a token; it opens nothing from now on.

        Raises:
            RegistryError: There is no such token.
            StorageError: It could not be written, and the token still opens.
        """
        if token_id not in self._tokens:
            raise RegistryError(f"token {token_id[:60]!r}: there is no such token")
        await self._table.delete(token_id)
        self._tokens.pop(token_id, None)
        self._by_digest = {d: v for d, v in self._by_digest.items() if v[1] != token_id}
        self._verified.clear()

    async def remove_all(self, user: User) -> int:
        """Remove the tokens of *user*; return how many there were.

        Raises:
            StorageError: Some could not be removed.
        """
        tokens = self.all(user)
        for token in tokens:
            await self.remove(token.id)
        return len(tokens)

    def _remember(self, token: Token, digest: bytes) -> None:
        self._tokens[token.id] = token
        self._by_digest[digest] = (digest, token.id)

    def _look_up(self, text: str) -> str | None:
        if not text.startswith(PREFIX) or len(text) > _LONGEST_TOKEN:
            return None
        digest = _digest(text)
        # A caller can't choose what a digest starts with, so the look-up tells them nothing; the
        # comparison is there so that this does not rest on how a dictionary compares its keys.
        stored, key = self._by_digest.get(digest, (b"", ""))
        if not hmac.compare_digest(stored, digest):
            return None
        self._verified[text] = key
        if len(self._verified) > _CACHED_COUNT:
            self._verified.popitem(last=False)
        return key

    def _note_use(self, token: Token, now_us: int) -> None:
        if token.last_used is None or now_us - to_us(token.last_used) >= _USE_SAVED_EVERY_US:
            self._tokens[token.id] = evolve(token, last_used=from_us(now_us))
            _ = self._tasks.spawn(
                self._table.update(token.id, last_used_us=now_us), name="note the use of a token"
            )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _token(key: str, document: dict[str, object]) -> Token:
    def moment(name: str) -> dt.datetime | None:
        value = document.get(name)
        return from_us(value) if isinstance(value, int) else None

    return Token(
        id=key,
        user_id=str(document["user"]),
        label=str(document["label"]),
        created=from_us(int(str(document["created_us"]))),
        last_used=moment("last_used_us"),
        expires=moment("expires_us"),
    )

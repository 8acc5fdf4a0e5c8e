"""Users: names, roles and passwords, kept as documents."""

import asyncio
import datetime as dt
import enum
import re
from collections.abc import Mapping

from attrs import frozen

from hub.accounts.passwords import Passwords
from hub.accounts.store import Table
from hub.accounts.throttle import Throttle
from hub.clock import Clock, from_us
from hub.errors import RegistryError, Unauthorized
from hub.ids import ulid

RESERVED = frozenset({"provision", "guest"})
# The Things Stack's rule for ids (`ids.proto`, user_id), so that names serve there unchanged.
_NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,}")
_MAX_NAME = 36
_MAX_DISPLAY_NAME = 100


class Role(enum.StrEnum):
    """What a user may do; each role may do what those before it may."""

    USER = "user"
    """Vendor protocols only."""
    VIEWER = "viewer"
    """Read everything."""
    ADMIN = "admin"
    """Change everything but users."""
    OWNER = "owner"
    """Everything."""

    def includes(self, other: "Role") -> bool:
        """Tell whether this role may do all that *other* may."""
        return _RANKS[self] >= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@frozen(kw_only=True)
class User:
    """Somebody who uses the hub. ``id`` never changes and is never used again."""

    id: str
    name: str
    display_name: str
    role: Role
    created: dt.datetime


def check_name(name: str) -> str:
    """Return *name* if a user or an organisation may carry it.

    Raises:
        RegistryError: It breaks the rule, or is reserved.
    """
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise RegistryError(
            f"user {name[:60]!r}: expected a name of 3 to {_MAX_NAME} characters a-z, 0-9 and "
            "single hyphens between them"
        )
    if name in RESERVED:
        raise RegistryError(f"user {name!r}: the name is reserved, choose another one")
    return name


def check_role(role: str) -> Role:
    """Return the role of that name.

    Raises:
        RegistryError: There is none.
    """
    try:
        return Role(role)
    except ValueError:
        names = ", ".join(reversed(Role))
        raise RegistryError(f"role {role[:60]!r}: expected one of {names}") from None


class Users:
    """All users of the hub, found by name and by id."""

    def __init__(self, table: Table, passwords: Passwords, clock: Clock) -> None:
        self._table = table
        self._passwords = passwords
        self._clock = clock
        self._changing = asyncio.Lock()
        self.failed_count = 0
        self._throttle = Throttle(clock)
        self._by_id = {key: _user(key, document) for key, document in table.all().items()}
        self._by_name = {user.name: user for user in self._by_id.values()}

    def get(self, name: str) -> User | None:
        """Return the user of that name."""
        return self._by_name.get(name)

    def by_id(self, user_id: str) -> User | None:
        """Return the user with that internal id."""
        return self._by_id.get(user_id)

    def all(self) -> list[User]:
        """Return every user, sorted by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def __len__(self) -> int:
        return len(self._by_id)

    async def add(
        self,
        name: str,
        role: str,
        password: str | None = None,
        *,
        display_name: str | None = None,
    ) -> User:
        """Add a user; without a password only tokens let them in.

        Raises:
            RegistryError: The name is malformed, reserved or taken, the role is unknown, or the
                password is too short or too long.
            StorageError: It could not be written.
        """
        check_name(name)
        known_role = check_role(role)
        shown = _shown_name(display_name or name)
        hashed = None if password is None else await self._passwords.hash(password)
        async with self._changing:
            if name in self._by_name:
                raise RegistryError(f"user {name!r}: the name is taken, choose another one")
            now_us = self._clock.now_us()
            user_id = ulid(now_us // 1000)
            document = {
                "name": name,
                "display_name": shown,
                "role": known_role.value,
                "password": hashed,
                "created_us": now_us,
            }
            await self._table.put(user_id, document)
            return self._remember(_user(user_id, document))

    async def set_password(self, name: str, password: str | None) -> None:
        """Give a user another password, or None: then only tokens let them in.

        Raises:
            RegistryError: There is no such user, or the password is too short or too long.
            StorageError: It could not be written.
        """
        self._known(name)
        hashed = None if password is None else await self._passwords.hash(password)
        async with self._changing:
            await self._change(self._known(name), password=hashed)

    async def set_role(self, name: str, role: str) -> User:
        """Give a user another role.

        Raises:
            RegistryError: There is no such user or role, or nobody else is an owner.
            StorageError: It could not be written.
        """
        known_role = check_role(role)
        async with self._changing:
            user = self._known(name)
            if known_role is not Role.OWNER:
                self._keep_an_owner(user)
            return await self._change(user, role=known_role.value)

    async def set_display_name(self, name: str, display_name: str) -> User:
        """Give a user another display name; the name itself stays for ever.

        Raises:
            RegistryError: There is no such user, or the name is empty or too long.
            StorageError: It could not be written.
        """
        shown = _shown_name(display_name)
        async with self._changing:
            return await self._change(self._known(name), display_name=shown)

    async def remove(self, name: str) -> User:
        """Remove a user; their tokens open nothing from now on.

        Raises:
            RegistryError: There is no such user, or nobody else is an owner.
            StorageError: It could not be written.
        """
        async with self._changing:
            user = self._known(name)
            self._keep_an_owner(user)
            await self._table.delete(user.id)
            del self._by_id[user.id]
            del self._by_name[user.name]
            return user

    async def authenticate(self, name: str, password: str, *, source: str) -> User:
        """Return the user who has this name and password.

        *source* is the caller's address. One that failed often waits before it may try again, and
        nothing is hashed while it waits.

        Raises:
            Unauthorized: Name or password is wrong, or *source* has to wait.
            StorageBusy: Too many log-ins at once.
        """
        pause = self._throttle.pause(source)
        if pause:
            self.failed_count += 1
            raise Unauthorized(f"too many failed log-ins: try again in {pause:.0f} s")
        user = self._by_name.get(name)
        stored = None if user is None else self._hash_of(user)
        # Noted before the wait for the hash, so that many tries at once can't slip through.
        self._throttle.tried(source)
        is_right = await self._passwords.verify(stored, password)
        # Who was removed or got another password in the meantime stays outside.
        if not is_right or user is None or stored is None or self._hash_of(user) != stored:
            self.failed_count += 1
            raise Unauthorized("the name or the password is wrong")
        self._throttle.succeeded(source)
        if self._passwords.is_outdated(stored):
            await self._renew(user, stored, password)
        return user

    async def _renew(self, user: User, stored: str, password: str) -> None:
        hashed = await self._passwords.hash(password)
        async with self._changing:
            if self._hash_of(user) == stored:
                await self._table.update(user.id, password=hashed)

    def _hash_of(self, user: User) -> str | None:
        document = self._table.get(user.id)
        return None if document is None else document.get("password")

    def _known(self, name: str) -> User:
        user = self._by_name.get(name)
        if user is None:
            raise RegistryError(f"user {name[:60]!r}: there is no such user")
        return user

    def _keep_an_owner(self, user: User) -> None:
        others = (u for u in self._by_id.values() if u.role is Role.OWNER and u.id != user.id)
        if user.role is Role.OWNER and next(others, None) is None:
            raise RegistryError(
                f"user {user.name!r}: the hub needs an owner, make somebody else one first"
            )

    async def _change(self, user: User, **fields: str | None) -> User:
        document = await self._table.update(user.id, **fields)
        if document is None:
            raise RegistryError(f"user {user.name!r}: there is no such user")
        return self._remember(_user(user.id, document))

    def _remember(self, user: User) -> User:
        self._by_id[user.id] = user
        self._by_name[user.name] = user
        return user


def _shown_name(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= _MAX_DISPLAY_NAME or not text.isprintable():
        raise RegistryError(
            f"display name: expected 1 to {_MAX_DISPLAY_NAME} printable characters, "
            f"got {text[:60]!r}"
        )
    return text


def _user(key: str, document: Mapping[str, object]) -> User:
    return User(
        id=key,
        name=str(document["name"]),
        display_name=str(document["display_name"]),
        role=Role(str(document["role"])),
        created=from_us(int(str(document["created_us"]))),
    )

"""Areas and labels: names that people give to places and groups.

They are documents of human scale. An entity lies in its device's area unless it has one of its own.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol

from hub.bus import Bus
from hub.clock import Clock
from hub.errors import RegistryError
from hub.events import AreaRegistryUpdated, LabelRegistryUpdated
from hub.ids import slug
from hub.registry.records import Entity
from hub.registry.registry import Registry

_LONGEST = 255
_MOST = 1000


class Table(Protocol):
    """The documents of one kind, each under a key; see :class:`hub.storage.documents.Table`."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Return a document, or None."""
        ...

    def all(self) -> dict[str, dict[str, Any]]:
        """Return every document by its key."""
        ...

    async def put(self, key: str, document: dict[str, Any]) -> None:
        """Insert or replace a document; returns when it is on disk."""
        ...

    async def delete(self, key: str) -> bool:
        """Delete a document; returns when that is on disk."""
        ...


class Catalogue:
    """Named things with slugs as ids; what :class:`Areas` and :class:`Labels` have in common.

    ``on_delete`` is awaited with the id of a thing before it is deleted.
    """

    what: str
    changed: type[AreaRegistryUpdated | LabelRegistryUpdated]
    facts: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    def __init__(self, table: Table, bus: Bus, clock: Clock) -> None:
        self._table = table
        self._bus = bus
        self._clock = clock
        self.on_delete: Callable[[str], Awaitable[None]] = _nobody

    def get(self, key: str) -> dict[str, Any] | None:
        """Return one by its id, or None."""
        return self._table.get(key)

    def all(self) -> dict[str, dict[str, Any]]:
        """Return all by their ids, sorted by name."""
        return dict(sorted(self._table.all().items(), key=lambda item: item[1]["name"].casefold()))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._table.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.all())

    async def create(self, name: str, facts: Mapping[str, object] | None = None) -> str:
        """Create one and return its id.

        Raises:
            RegistryError: The name is empty, too long or taken, or a fact is unknown.
        """
        document = {"name": self._free_name(name, None), **self._read(facts or {})}
        known = self._table.all()
        if len(known) >= _MOST:
            raise RegistryError(f"{self.what} {name}: there are {_MOST} already")
        key = base = slug(document["name"])
        number = 2
        while key in known:
            key, number = f"{base}_{number}", number + 1
        await self._table.put(key, document)
        self._tell("create", key)
        return key

    async def update(self, key: str, changes: Mapping[str, object]) -> dict[str, Any]:
        """Change the name or facts of one and return it; its id stays.

        Raises:
            RegistryError: There is no such id, or a value does not fit.
        """
        old = self._old(key)
        given = dict(changes)
        name = given.pop("name", old["name"])
        new = {**old, "name": self._free_name(name, key), **self._read(given)}
        if new != old:
            await self._table.put(key, new)
            self._tell("update", key)
        return new

    async def delete(self, key: str) -> None:
        """Delete one, after it was taken from everything that bore it.

        Raises:
            RegistryError: There is no such id.
        """
        self._old(key)
        await self.on_delete(key)
        await self._table.delete(key)
        self._tell("remove", key)

    def _old(self, key: str) -> dict[str, Any]:
        old = self._table.get(key)
        if old is None:
            raise RegistryError(f"{self.what} {key}: there is no such {self.what}")
        return old

    def _free_name(self, name: object, key: str | None) -> str:
        if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST:
            raise RegistryError(
                f"{self.what}: expected a name of 1 to {_LONGEST} characters, got {name!r:.100}"
            )
        plain = name.strip()
        for other, document in self._table.all().items():
            if other != key and document["name"].casefold() == plain.casefold():
                raise RegistryError(f"{self.what} {plain}: the name is taken by {other}")
        return plain

    def _read(self, facts: Mapping[str, object]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in facts.items():
            if name in self.lists:
                if not isinstance(value, list) or not all(_fits(item) for item in value):
                    raise RegistryError(f"{self.what}: {name}: expected a list of texts")
                found[name] = sorted(set(value))
            elif name not in self.facts:
                known = ", ".join(("name", *self.facts, *self.lists))
                raise RegistryError(f"{self.what}: {name} is unknown; there are {known}")
            elif value is not None and not _fits(value):
                raise RegistryError(f"{self.what}: {name}: expected text, got {value!r:.100}")
            else:
                found[name] = value
        return found

    def _tell(self, action: str, key: str) -> None:
        self._bus.publish(self.changed(action, key, fired_us=self._clock.now_us()))


class Areas(Catalogue):
    """Places: rooms, fields, barns."""

    what = "area"
    facts = ("icon", "picture")
    lists = ("aliases", "labels")
    changed = AreaRegistryUpdated


class Labels(Catalogue):
    """Groups across places."""

    what = "label"
    facts = ("icon", "color", "description")
    changed = LabelRegistryUpdated


def area_of(registry: Registry, entity: Entity) -> str | None:
    """Return the area an entity lies in: its own, else its device's."""
    return entity.area_id or registry.device_of(entity).area_id


async def _nobody(_key: str) -> None:
    """Tell nobody."""


def _fits(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST

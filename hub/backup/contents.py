"""Which files of a folder belong to the hub, for a backup and for making room for one."""

from collections.abc import Iterator
from pathlib import Path

from hub.storage.versions import DATABASE, DOCUMENTS

QUARANTINE = "quarantine"
_YAML = frozenset({".yaml", ".yml"})
_STORES = (
    DATABASE,
    f"{DATABASE}-wal",
    f"{DATABASE}-shm",
    DOCUMENTS,
    f"{DOCUMENTS}.1",
    "documents.journal",
    "documents.journal.1",
)
_MAX_FILES = 100_000


def configuration_files(folder: Path, also: tuple[Path, ...] = ()) -> list[str]:
    """Return the YAML files below *folder*, hidden ones aside, and those of *also* inside it."""
    found = {name for name in _names(folder) if Path(name).suffix in _YAML}
    for path in also:
        if path.is_relative_to(folder) and path.is_file():
            found.add(path.relative_to(folder).as_posix())
    return sorted(found)


def quarantine_files(folder: Path) -> list[str]:
    """Return the bodies of large messages that lie beside the database."""
    path = folder / QUARANTINE
    if not path.is_dir():
        return []
    return sorted(f"{QUARANTINE}/{entry.name}" for entry in path.iterdir() if entry.is_file())


def owned_files(folder: Path) -> list[str]:
    """Return everything in *folder* that a restored backup takes the place of."""
    stores = [name for name in _STORES if (folder / name).is_file()]
    return [*stores, *configuration_files(folder), *quarantine_files(folder)]


def _names(folder: Path) -> Iterator[str]:
    for count, path in enumerate(sorted(folder.rglob("*"))):
        parts = path.relative_to(folder).parts
        if count >= _MAX_FILES:
            return
        if path.is_file() and not any(part.startswith(".") for part in parts):
            yield "/".join(parts)

"""Making a backup: gather, sum up, pack, and only then put the archive in its place."""

import contextlib
import hashlib
import io
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from hub.backup import manifest
from hub.backup.contents import configuration_files, quarantine_files
from hub.backup.manifest import Manifest, Member
from hub.errors import HubError, StorageFull
from hub.storage.copying import copy_database, schema_of_database
from hub.storage.durable import explained, sync_folder
from hub.storage.schema import Progress
from hub.storage.snapshot import decode
from hub.storage.versions import DATABASE, DOCUMENTS

CHUNK = 1 << 20
# Level 4 packs readings nearly as well as 9, in a third of the time.
_LEVEL = 4


@frozen(kw_only=True)
class Backup:
    """What a backup is made of.

    *documents* is their snapshot, *created* a time in ISO 8601, *version* the hub's. *also* are
    files that belong to the configuration beside the YAML files.
    """

    folder: Path
    documents: bytes
    created: str
    version: str
    also: tuple[Path, ...] = ()


def write_archive(
    backup: Backup, target: Path, progress: Progress, *, is_replacing: bool = False
) -> Manifest:
    """Write *backup* to the new file *target* (mode 0600); blocks, and works while the hub runs.

    The copy of the database is made beside *target*, so that the hub's own disk needs no room.

    Raises:
        HubError: *target* exists and *is_replacing* is not set.
        StorageError: Something can't be read or written; no archive is left.
    """
    if target.exists() and not is_replacing:
        raise HubError(f"{target} exists already: choose another name, or use --force")
    mark = secrets.token_hex(4)
    copy = target.with_name(f".{target.name}.{mark}.db")
    fresh = target.with_name(f".{target.name}.{mark}.part")
    try:
        _check_room(backup.folder, target.parent)
        copy.touch(mode=0o600)
        copy_database(backup.folder / DATABASE, copy, progress)
        content = _pack(backup, copy, fresh, progress)
        fresh.replace(target)
        sync_folder(target.parent)
    except OSError as err:
        raise explained(err, target) from err
    finally:
        for path in (copy, fresh):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
    return content


def _check_room(folder: Path, parent: Path) -> None:
    needed = (folder / DATABASE).stat().st_size
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise StorageFull(
            f"{parent}: a backup may take {needed >> 20} MiB there while it is made, and only "
            f"{free >> 20} MiB are free"
        )


def _pack(backup: Backup, copy: Path, fresh: Path, progress: Progress) -> Manifest:
    # Read at once: somebody may edit them, and the sums must be those of what is packed.
    texts = {
        name: (backup.folder / name).read_bytes()
        for name in configuration_files(backup.folder, backup.also)
    }
    texts[DOCUMENTS] = backup.documents
    files = {name: _sum_of([text]) for name, text in texts.items()}
    with contextlib.ExitStack() as stack:
        # Open from here on: the quarantine may let its oldest messages go meanwhile.
        sources = _open_all(backup.folder, copy, stack)
        for done, (name, file) in enumerate(sources.items()):
            progress("reading", done, len(sources))
            files[name] = _sum_of(iter(partial(file.read, CHUNK), b""))
            file.seek(0)
        content = Manifest(
            format=manifest.FORMAT,
            hub=backup.version,
            created=backup.created,
            database=schema_of_database(copy),
            documents=decode(backup.documents).schema,
            files=files,
        )
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        archive = stack.enter_context(os.fdopen(descriptor, "wb"))
        with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=_LEVEL) as tar:
            for name, text in {manifest.NAME: manifest.encode(content), **texts}.items():
                tar.addfile(_entry(name, len(text)), io.BytesIO(text))
            _add(tar, sources, files, progress)
        archive.flush()
        os.fsync(descriptor)
    return content


def _open_all(folder: Path, copy: Path, stack: contextlib.ExitStack) -> dict[str, BinaryIO]:
    sources: dict[str, BinaryIO] = {DATABASE: stack.enter_context(copy.open("rb"))}
    for name in quarantine_files(folder):
        with contextlib.suppress(FileNotFoundError):
            sources[name] = stack.enter_context((folder / name).open("rb"))
    return sources


def _add(
    tar: tarfile.TarFile,
    sources: dict[str, BinaryIO],
    files: dict[str, Member],
    progress: Progress,
) -> None:
    total = sum(files[name].size for name in sources)
    done = 0
    for name, file in sources.items():
        told = partial(_tell, progress, done, total)
        tar.addfile(_entry(name, files[name].size), Told(file, told))
        done += files[name].size


def _tell(progress: Progress, before: int, total: int, count: int) -> None:
    progress("packing", before + count, total)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o600
    return entry


def _sum_of(parts: Iterable[bytes]) -> Member:
    digest, size = hashlib.sha256(), 0
    for part in parts:
        digest.update(part)
        size += len(part)
    return Member(size, digest.hexdigest())


class Told(io.RawIOBase):
    """A file that tells how many of its bytes have been read."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], None]) -> None:
        super().__init__()
        self._file = file
        self._tell = tell
        self._count = 0

    def read(self, size: int = -1, /) -> bytes:
        """Read up to *size* bytes."""
        data = self._file.read(size)
        self._count += len(data)
        self._tell(self._count)
        return data

"""Restoring a backup: everything is checked before anything in the folder changes."""

import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from pathlib import Path

from attrs import frozen

from hub.backup import manifest, replacement
from hub.backup.archive import CHUNK
from hub.backup.contents import owned_files
from hub.backup.manifest import Manifest, Member
from hub.errors import HubError, StorageFull
from hub.storage.durable import explained, sync_folder
from hub.storage.schema import Progress
from hub.storage.versions import DATABASE, DOCUMENTS, check_versions


@frozen(kw_only=True)
class Restored:
    """What was restored."""

    version: str
    created: str
    file_count: int
    byte_count: int


def restore_archive(
    archive: Path, folder: Path, progress: Progress, *, is_replacing: bool = False
) -> Restored:
    """Restore *archive* into *folder*, whose lock the caller holds; blocks.

    All files are unpacked beside those of the hub and compared with their checksums; only then do
    they take their places. A failure before that changes nothing.

    Raises:
        HubError: The archive is damaged, no backup, or made by a newer hub; or the folder holds
            a hub already and *is_replacing* is not set.
        StorageError: The disk failed or is full.
    """
    present = owned_files(folder)
    if present and not is_replacing:
        raise HubError(
            f"{folder}: there is a hub already ({present[0]}): restore into an empty folder, or "
            "use --force to replace what is there"
        )
    try:
        with tarfile.open(archive, "r:gz") as tar:
            content = _manifest(tar, archive)
            _check_room(content, folder)
            _unpack(tar, content, replacement.stage(folder), progress)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as err:
        replacement.abandon(folder)
        raise HubError(f"{archive}: the backup is damaged ({err}); nothing was changed") from err
    except OSError as err:
        replacement.abandon(folder)
        place = archive if err.filename == str(archive) else folder
        raise explained(err, place) from err
    except BaseException:
        replacement.abandon(folder)
        raise
    replacement.replace_all(folder)
    return Restored(
        version=content.hub,
        created=content.created,
        file_count=len(content.files),
        byte_count=content.byte_count,
    )


def _manifest(tar: tarfile.TarFile, archive: Path) -> Manifest:
    first = tar.next()
    if first is None or first.name != manifest.NAME or not first.isreg():
        raise HubError(f"{archive}: this is no backup of a hub")
    if first.size > manifest.MAX_BYTES:
        raise HubError(f"{archive}: the list of its files is too long")
    file = tar.extractfile(first)
    content = manifest.decode(file.read() if file is not None else b"", str(archive))
    check_versions(content.versions, f"{archive}: this backup")
    missing = [name for name in (DATABASE, DOCUMENTS) if name not in content.files]
    if missing:
        raise HubError(f"{archive}: this is no whole backup, {missing[0]} is not in it")
    return content


def _check_room(content: Manifest, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < content.byte_count:
        raise StorageFull(
            f"{folder}: the backup takes {content.byte_count >> 20} MiB, and only {free >> 20} MiB "
            "are free"
        )


def _unpack(tar: tarfile.TarFile, content: Manifest, fresh: Path, progress: Progress) -> None:
    waiting = dict(content.files)
    done, total = 0, content.byte_count
    while (entry := tar.next()) is not None:
        member = waiting.pop(entry.name, None)
        # Only what the manifest names, and only plain files: no links, no devices.
        if member is None or not entry.isreg() or entry.size != member.size:
            raise tarfile.TarError(f"{entry.name[:80]!r} is not what the list of files says")
        progress("unpacking", done, total)
        _extract(tar, entry, member, fresh / entry.name)
        done += member.size
    progress("unpacking", done, total)
    if waiting:
        raise tarfile.TarError(f"{next(iter(waiting))} is missing")
    for path in {fresh, *(path for path in fresh.rglob("*") if path.is_dir())}:
        sync_folder(path)


def _extract(tar: tarfile.TarFile, entry: tarfile.TarInfo, member: Member, target: Path) -> None:
    source = tar.extractfile(entry)
    digest = hashlib.sha256()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while source is not None and (chunk := source.read(CHUNK)):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(descriptor)
    if digest.hexdigest() != member.sha256:
        raise tarfile.TarError(f"the checksum of {entry.name} does not fit")

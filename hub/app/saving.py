"""A backup of an open hub."""

import asyncio
import threading
from functools import partial
from pathlib import Path

from hub.app.core import Core
from hub.backup import Backup, write_archive
from hub.errors import StorageError
from hub.storage.schema import Progress


async def save_backup(
    core: Core, file: Path, say: Progress, *, version: str, is_replacing: bool
) -> dict[str, object]:
    """Write a backup of everything to *file*, off the loop; tell what it holds.

    Raises:
        HubError: The file exists and is not to be replaced.
        StorageError: Something can't be read or written.
    """
    tls = core.settings.http.tls
    backup = Backup(
        folder=core.folder,
        documents=await core.documents.snapshot(),
        created=core.clock.now().isoformat(timespec="seconds"),
        version=version,
        also=(tls.certificate, tls.key) if tls is not None else (),
    )
    is_given_up = threading.Event()

    def tell(what: str, done: int, total: int) -> None:
        if is_given_up.is_set():
            raise StorageError("the backup was stopped")
        say(what, done, total)

    work = partial(write_archive, backup, file, tell, is_replacing=is_replacing)
    try:
        content = await asyncio.to_thread(work)
    except asyncio.CancelledError:
        is_given_up.set()  # the thread goes on until it next tells how far it is
        raise
    return {
        "file": str(file),
        "files": len(content.files),
        "bytes": content.byte_count,
        "archive_bytes": (await asyncio.to_thread(file.stat)).st_size,
        "created": content.created,
    }

"""``hub backup`` and ``hub restore``."""

from pathlib import Path
from typing import Annotated

import typer

from hub.app.lock import FolderLock
from hub.backup import finish_replacement, restore_archive
from hub.cli.output import size_text
from hub.cli.remote import call
from hub.cli.session import session_of
from hub.errors import HubError
from hub.storage.durable import explained


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The archive to write, such as hub.tar.gz.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Write everything the hub keeps to one archive; the hub may run meanwhile.

    It holds tokens and hashed passwords: keep it where nobody else can read it.
    """
    session = session_of(context)
    target = file.expanduser().absolute()
    done = call(session, "backup", file=str(target), force=force)
    if isinstance(done, dict):
        session.output.line(
            f"{target}: {done['files']} files, {size_text(done['bytes'])}, "
            f"packed {size_text(done['archive_bytes'])}"
        )


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="An archive that hub backup made.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is in the folder now.")
    ] = False,
) -> None:
    """Bring back a backup, into an empty folder unless --force is given; stop the hub first.

    Everything in it is checked before anything changes.
    """
    session = session_of(context)
    folder = session.folder
    archive = file.expanduser().absolute()
    if not archive.is_file():
        raise HubError(f"{archive}: there is no such file")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as err:
        raise explained(err, folder) from err
    lock = FolderLock(folder)
    lock.take()
    try:
        finish_replacement(folder)
        with session.output.progress() as say:
            done = restore_archive(archive, folder, say, is_replacing=force)
    finally:
        lock.release()
    session.output.line(
        f"{folder}: restored {done.file_count} files, {size_text(done.byte_count)}, "
        f"of {done.created}"
    )

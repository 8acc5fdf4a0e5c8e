"""Putting restored files in the place of those that are there, all of them or none.

A folder of its own inside the hub's holds the new files, and then ``moves.json``, which names the
old ones. From that moment on the restore takes place, even if the power fails half-way: each step
may be done again, and the next start finishes what is left.
"""

import contextlib
import shutil
from pathlib import Path

import msgspec

from hub.backup.contents import owned_files
from hub.errors import HubError
from hub.storage.durable import explained, replace_file, sync_folder

STAGE = ".restore"
_NEW, _OLD, _MOVES = "new", "old", "moves.json"


def stage(folder: Path) -> Path:
    """Return an empty folder for the files of a restore.

    Raises:
        StorageError: It can't be made.
    """
    try:
        shutil.rmtree(folder / STAGE, ignore_errors=True)
        fresh = folder / STAGE / _NEW
        fresh.mkdir(mode=0o700, parents=True)
    except OSError as err:
        raise explained(err, folder) from err
    return fresh


def abandon(folder: Path) -> None:
    """Throw away what was staged."""
    shutil.rmtree(folder / STAGE, ignore_errors=True)


def replace_all(folder: Path) -> None:
    """Put the staged files in their places, and remove those that were there.

    Raises:
        StorageError: The disk failed; a later :func:`finish_replacement` goes on.
    """
    try:
        replace_file(folder / STAGE / _MOVES, msgspec.json.encode(owned_files(folder)))
    except OSError as err:
        raise explained(err, folder) from err
    finish_replacement(folder)


def finish_replacement(folder: Path) -> bool:
    """Finish a restore that was cut short; tell whether there was one. Take the lock before.

    Raises:
        HubError: It can't be finished.
    """
    moves = folder / STAGE / _MOVES
    try:
        if not moves.exists():
            return False
        _move_old(folder, msgspec.json.decode(moves.read_bytes(), type=list[str]))
        _move_new(folder)
        moves.unlink()
        sync_folder(folder / STAGE)
        abandon(folder)
    except OSError as err:
        raise explained(err, folder) from err
    except msgspec.MsgspecError as err:
        raise HubError(
            f"{moves} is damaged: remove {folder / STAGE}, then restore the backup with --force"
        ) from err
    return True


def _move_old(folder: Path, names: list[str]) -> None:
    old = folder / STAGE / _OLD
    for name in names:
        aside = old / name
        # What lies aside already was moved before the power failed; the file of that name in the
        # folder is a new one then.
        if not aside.exists() and (folder / name).exists():
            aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / name).replace(aside)
    sync_folder(folder)
    if old.exists():
        sync_folder(old)


def _move_new(folder: Path) -> None:
    fresh = folder / STAGE / _NEW
    for path in sorted(fresh.rglob("*")):
        if path.is_file():
            target = folder / path.relative_to(fresh)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.replace(target)
            with contextlib.suppress(OSError):
                sync_folder(target.parent)
    sync_folder(folder)

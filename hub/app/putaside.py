"""The quarantine for people: list, show, save, replay and drop what was put aside."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from hub.app.operations import OpenHub, Operation, Say, moment
from hub.app.replay import Replay
from hub.errors import HubError
from hub.storage.durable import explained, write_all
from hub.storage.quarantine import Quarantine
from hub.storage.rows import QuarantineEntry

_PAGE = 500
_SHOWN_BYTES = 64 * 1024


class Listing(Struct, forbid_unknown_fields=True, kw_only=True):
    """Arguments of ``quarantine.list``."""

    limit: int = 50
    plugin: str | None = None


class One(Struct, forbid_unknown_fields=True, kw_only=True):
    """Arguments of ``quarantine.show``."""

    number: int


class Saving(Struct, forbid_unknown_fields=True, kw_only=True):
    """Arguments of ``quarantine.save``: *file* is an absolute path."""

    number: int
    file: str


class Choice(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which messages: *numbers*, or all of them, or all of one plugin."""

    numbers: list[int] = []
    all: bool = False
    plugin: str | None = None


async def list_messages(hub: OpenHub, wanted: Listing, _say: Say) -> object:
    """List messages from the newest on, and what the ring holds."""
    quarantine = hub.core.store.quarantine
    entries = await _find(quarantine, wanted.plugin, max(0, wanted.limit))
    return {
        "messages": [_report(entry) for entry in entries],
        "count": quarantine.count,
        "bytes": quarantine.byte_count,
        "dropped": quarantine.dropped_count,
    }


async def show_message(hub: OpenHub, wanted: One, _say: Say) -> object:
    """Show one message with the beginning of its body.

    Raises:
        HubError: It is not there.
    """
    entry, body = await take(hub.core.store.quarantine, wanted.number)
    shown = body[:_SHOWN_BYTES].decode("utf-8", "replace")
    return {**_report(entry), "body": shown, "is_cut": len(body) > _SHOWN_BYTES}


async def save_message(hub: OpenHub, wanted: Saving, _say: Say) -> object:
    """Write the body of a message to a new file.

    Raises:
        HubError: The message is not there, or the file is.
        StorageError: The file can't be written.
    """
    _, body = await take(hub.core.store.quarantine, wanted.number)
    await asyncio.to_thread(_write, Path(wanted.file), body)
    return {"file": wanted.file, "bytes": len(body)}


async def drop_messages(hub: OpenHub, wanted: Choice, say: Say) -> object:
    """Drop messages.

    Raises:
        StorageError: They could not be dropped.
    """
    quarantine = hub.core.store.quarantine
    numbers = await chosen(quarantine, wanted)
    dropped = 0
    for at in range(0, len(numbers), _PAGE):
        say("dropping", at, len(numbers))
        dropped += await quarantine.drop(numbers[at : at + _PAGE])
    return {"dropped": dropped, "missing": len(numbers) - dropped}


async def replay_messages(hub: OpenHub, wanted: Choice, say: Say) -> object:
    """Send messages through their routes again, the oldest first."""
    numbers = sorted(await chosen(hub.core.store.quarantine, wanted))
    replay = Replay(hub.core, hub.routes)
    try:
        return await replay.run(numbers, say)
    finally:
        await replay.close()


async def chosen(quarantine: Quarantine, wanted: Choice) -> list[int]:
    """Return the numbers of the messages that were chosen.

    Raises:
        HubError: None was chosen.
    """
    if wanted.numbers:
        return list(dict.fromkeys(wanted.numbers))
    if not wanted.all and wanted.plugin is None:
        raise HubError("no message was named: give numbers, --plugin or --all")
    return [entry.id for entry in await _find(quarantine, wanted.plugin, None)]


async def take(quarantine: Quarantine, number: int) -> tuple[QuarantineEntry, bytes]:
    """Return one message whole.

    Raises:
        HubError: It is not there.
        StorageError: Its body can't be read.
    """
    try:
        return await quarantine.take(number)
    except LookupError as err:
        raise HubError(f"message {number} is not in the quarantine") from err


async def _find(
    quarantine: Quarantine, plugin: str | None, limit: int | None
) -> list[QuarantineEntry]:
    """Return the newest messages; the ring bounds how many there can be."""
    found: list[QuarantineEntry] = []
    before = None
    while limit is None or len(found) < limit:
        page = await quarantine.list(limit=_PAGE, before=before)
        found += [entry for entry in page if plugin is None or entry.plugin == plugin]
        if len(page) < _PAGE:
            break
        before = page[-1].id
    return found[:limit]


def _report(entry: QuarantineEntry) -> dict[str, object]:
    return {
        "number": entry.id,
        "received": moment(entry.received),
        "plugin": entry.plugin,
        "source": entry.source,
        "reason": entry.reason,
        "route": entry.route,
        "part": entry.part,
        "headers": dict(entry.headers),
        "bytes": entry.size,
    }


def _write(path: Path, body: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, body)
        finally:
            os.close(descriptor)
    except FileExistsError as err:
        raise HubError(f"{path} exists already: choose another name") from err
    except OSError as err:
        raise explained(err, path) from err


QUARANTINE: Mapping[str, Operation] = {
    "quarantine.drop": Operation(Choice, drop_messages),
    "quarantine.list": Operation(Listing, list_messages),
    "quarantine.replay": Operation(Choice, replay_messages),
    "quarantine.save": Operation(Saving, save_message),
    "quarantine.show": Operation(One, show_message),
}

"""The first member of an archive: what it holds, of which versions, with which checksums."""

import re
from pathlib import PurePosixPath
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from hub.errors import HubError
from hub.storage.versions import Versions

FORMAT = 1
NAME = "manifest.json"
MAX_BYTES = 8 << 20
_PART = re.compile(r"[^/\\\0]{1,255}")


class Member(Struct, frozen=True):
    """One file of the archive; *size* in bytes."""

    size: Annotated[int, Meta(ge=0)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Manifest(Struct, frozen=True, kw_only=True):
    """What an archive says about itself. *created* is a time in ISO 8601."""

    format: int
    hub: str
    created: str
    database: int
    documents: int
    files: dict[str, Member]

    @property
    def versions(self) -> Versions:
        """The schema versions of the stores inside."""
        return Versions(database=self.database, documents=self.documents)

    @property
    def byte_count(self) -> int:
        """How many bytes all files take."""
        return sum(member.size for member in self.files.values())


class _Format(Struct):
    format: int


def encode(manifest: Manifest) -> bytes:
    """Write a manifest as JSON that people can read."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode(data: bytes, archive: str) -> Manifest:
    """Read a manifest; *archive* names the file in messages.

    Raises:
        HubError: It is none, of a newer format, or names files outside the folder.
    """
    try:
        # The format first: of a newer one nothing else needs to be understood.
        found = msgspec.json.decode(data, type=_Format).format
        if found > FORMAT:
            raise HubError(
                f"{archive}: a newer version of the hub made this backup (format {found}, this "
                f"hub reads up to {FORMAT}): restore it with that version"
            )
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
        raise HubError(f"{archive}: this is no backup of a hub ({NAME}: {err})") from err
    for name in manifest.files:
        if not is_safe(name):
            raise HubError(f"{archive}: the backup names a file outside the folder: {name!r:.80}")
    return manifest


def is_safe(name: str) -> bool:
    """Tell whether *name* is a plain relative path that stays in the folder it is put in."""
    parts = name.split("/")
    return (
        len(name) <= 1000
        and name.isprintable()
        and all(_PART.fullmatch(part) and part not in {".", ".."} for part in parts)
        and not PurePosixPath(name).is_absolute()
    )

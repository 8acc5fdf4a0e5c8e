"""The journal of the documents: one change per line, each with its number and checksum.

```
{"crc":"5f0c6e1b","seq":4,"schema":1}                                  first line: what it continues
{"crc":"9a1e44d0","seq":5,"table":"areas","key":"barn","doc":{...}}    put
{"crc":"0b77aa21","seq":6,"table":"areas","key":"yard","doc":null}     delete
```

A line holds the whole new document, so replaying one twice or after a gap does no harm.
"""

import contextlib
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from attrs import field, frozen

from hub.storage.durable import PRIVATE, replace_file, write_all

MAX_BODY_BYTES = 1 << 20
"""The longest document, as JSON."""

_MAX_LINE_BYTES = MAX_BODY_BYTES + 8192
_PREFIX_BYTES = len(b'{"crc":"00000000",')


class Change(NamedTuple):
    """A document that was put, with its JSON text; or deleted, with None."""

    table: str
    key: str
    body: bytes | None


class Record(NamedTuple):
    """A change and its number, counted from 1 over the life of the store."""

    sequence: int
    change: Change


@frozen
class Header:
    """What a journal continues: a state of *schema* after change number *sequence*."""

    sequence: int
    schema: int


@frozen(kw_only=True)
class Scan:
    """What a journal file holds.

    *size* counts the bytes up to the end of its last complete line; what follows was cut off
    by a crash before anybody was told that it is stored.
    """

    header: Header | None = None
    records: list[Record] = field(factory=list)
    damaged_count: int = 0
    size: int = 0
    is_torn: bool = False


def encode_json(value: object) -> bytes:
    """Encode *value* compactly as UTF-8 JSON."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def encode_record(sequence: int, change: Change) -> bytes:
    """Encode one change as a line."""
    return _line(
        b'"seq":%d,"table":%b,"key":%b,"doc":%b}'
        % (sequence, encode_json(change.table), encode_json(change.key), change.body or b"null")
    )


def encode_header(header: Header) -> bytes:
    """Encode a journal's first line."""
    return _line(b'"seq":%d,"schema":%d}' % (header.sequence, header.schema))


def decode_line(line: bytes) -> Header | Record:
    """Decode one line without its line feed.

    Raises:
        ValueError: it is damaged.
    """
    rest = line[_PREFIX_BYTES:]
    if line[:_PREFIX_BYTES] != b'{"crc":"%08x",' % zlib.crc32(rest):
        raise ValueError("checksum")
    match json.loads(b"{" + rest):
        case {"seq": int(sequence), "schema": int(schema)}:
            return Header(sequence, schema)
        case {"seq": int(sequence), "table": str(table), "key": str(key), "doc": None}:
            return Record(sequence, Change(table, key, None))
        case {"seq": int(sequence), "table": str(table), "key": str(key), "doc": dict(document)}:
            return Record(sequence, Change(table, key, encode_json(document)))
        case _:
            raise ValueError("not a journal line")


def scan(path: Path) -> Scan:
    """Read every line of the journal at *path* that verifies; a missing file is an empty one.

    Raises:
        OSError: the file can't be read.
    """
    header: Header | None = None
    records: list[Record] = []
    damaged_count = size = 0
    is_torn = False
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for line, is_complete in _lines(file):
            if not is_complete:
                is_torn = True
                break
            size += len(line)
            try:
                entry = decode_line(line[:-1])
            except (ValueError, RecursionError):
                damaged_count += 1
                continue
            if isinstance(entry, Header):
                header = entry
            else:
                records.append(entry)
    return Scan(
        header=header, records=records, damaged_count=damaged_count, size=size, is_torn=is_torn
    )


class Journal:
    """The journal that changes are appended to; each append is on disk when it returns."""

    def __init__(self, path: Path, size: int) -> None:
        """Continue the journal at *path* after its first *size* bytes; the rest is cut off.

        Raises:
            OSError: the file can't be opened or cut.
        """
        self.path = path
        self.size = size
        self.sync_count = 0
        self._is_torn = path.stat().st_size != size
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            os.fchmod(self._descriptor, PRIVATE)
            self._mend()
        except OSError:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, header: Header) -> "Journal":
        """Replace the journal at *path* by an empty one that continues from *header*."""
        line = encode_header(header)
        replace_file(path, line)
        return cls(path, len(line))

    def append(self, data: bytes) -> None:
        """Append whole lines and sync them.

        Raises:
            OSError: nothing of *data* counts as stored; the next append mends the file first.
        """
        self._mend()
        try:
            write_all(self._descriptor, data)
            os.fsync(self._descriptor)
        except OSError:
            self._is_torn = True
            # Cutting frees the space a full disk needs, and keeps refused lines from being
            # found at the next start. If even that fails, it is tried before the next append.
            with contextlib.suppress(OSError):
                self._mend()
            raise
        self.sync_count += 1
        self.size += len(data)

    def close(self) -> None:
        """Close the file; twice is harmless."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _mend(self) -> None:
        if self._is_torn:
            os.ftruncate(self._descriptor, self.size)
            os.fsync(self._descriptor)
            self._is_torn = False


def _line(rest: bytes) -> bytes:
    return b'{"crc":"%08x",%b\n' % (zlib.crc32(rest), rest)


def _lines(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Yield each line, in pieces where damage has made it overlong, and whether it is complete."""
    while line := file.readline(_MAX_LINE_BYTES):
        yield line, line.endswith(b"\n") or len(line) == _MAX_LINE_BYTES

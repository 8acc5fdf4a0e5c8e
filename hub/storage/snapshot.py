"""The snapshot of the documents: all of them in one JSON file that carries its own checksum.

Each document has a line of its own, so the file can be read and compared by eye:

```
{"schema": 1, "sequence": 42, "tables": {
"areas": {
"barn": {"name":"Barn"}
}
},
"crc32": "5f0c6e1b"}
```
"""

import json
import re
import zlib

from attrs import frozen

from hub.storage.journal import encode_json

Bodies = dict[str, dict[str, bytes]]
"""Table -> key -> the document as JSON text."""

_TRAILER = re.compile(rb',\n"crc32": "([0-9a-f]{8})"\}\n\Z')
_TRAILER_BYTES = len(b',\n"crc32": "00000000"}\n')


@frozen(kw_only=True)
class Snapshot:
    """All documents as they were after change number *sequence*."""

    schema: int
    sequence: int
    bodies: Bodies


def encode(snapshot: Snapshot) -> bytes:
    """Encode a snapshot; tables and keys are sorted, empty tables left out."""
    tables = [
        b"%b: {\n%b\n}" % (encode_json(name), _rows(rows))
        for name, rows in sorted(snapshot.bodies.items())
        if rows
    ]
    payload = b'{"schema": %d, "sequence": %d, "tables": {\n%b\n}' % (
        snapshot.schema,
        snapshot.sequence,
        b",\n".join(tables),
    )
    return b'%b,\n"crc32": "%08x"}\n' % (payload, zlib.crc32(payload))


def decode(data: bytes) -> Snapshot:
    """Decode a snapshot.

    Raises:
        ValueError: it is damaged, or was edited by hand.
    """
    trailer = _TRAILER.search(data, max(0, len(data) - _TRAILER_BYTES))
    if trailer is None:
        raise ValueError("the end is missing")
    if int(trailer[1], 16) != zlib.crc32(data[: trailer.start()]):
        raise ValueError("the checksum does not fit")
    match json.loads(data):
        case {"schema": int(schema), "sequence": int(sequence), "tables": dict(tables)}:
            bodies = {
                name: {key: encode_json(document) for key, document in rows.items()}
                for name, rows in tables.items()
            }
            return Snapshot(schema=schema, sequence=sequence, bodies=bodies)
        case _:
            raise ValueError("not a snapshot of documents")


def _rows(rows: dict[str, bytes]) -> bytes:
    return b",\n".join(b"%b: %b" % (encode_json(key), rows[key]) for key in sorted(rows))

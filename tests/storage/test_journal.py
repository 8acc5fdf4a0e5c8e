"""The lines of the journal and of the snapshot."""

import errno
import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.storage import snapshot
from hub.storage.durable import explained, write_verified
from hub.storage.journal import (
    Change,
    Header,
    Journal,
    Record,
    decode_line,
    encode_header,
    encode_json,
    encode_record,
    scan,
)

TEXTS = st.text(min_size=1, max_size=20)
DOCUMENTS = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)


def is_damaged(decode, data):
    try:
        decode(data)
    except ValueError:
        return True
    return False


@given(sequence=st.integers(1), table=TEXTS, key=TEXTS, document=st.none() | DOCUMENTS)
def test_a_change_survives_its_line(sequence, table, key, document):
    change = Change(table, key, None if document is None else encode_json(document))
    line = encode_record(sequence, change)

    assert line.count(b"\n") == 1
    assert decode_line(line[:-1]) == Record(sequence, change)


def test_a_header_survives_its_line():
    assert decode_line(encode_header(Header(7, 2))[:-1]) == Header(7, 2)


@given(position=st.integers(0, 100), value=st.integers(1, 255))
def test_a_changed_byte_is_noticed(position, value):
    line = bytearray(encode_record(3, Change("users", "anna", b'{"a":1}'))[:-1])
    line[position % len(line)] ^= value

    assert is_damaged(decode_line, bytes(line))


@given(line=st.binary(max_size=60))
def test_any_bytes_are_a_line_or_damaged(line):
    assert is_damaged(decode_line, line)


def test_a_line_that_verifies_and_says_nothing_known_is_damaged():
    journal_line = encode_header(Header(1, 1)).replace(b"schema", b"scheme")
    with pytest.raises(ValueError, match="checksum"):
        decode_line(journal_line[:-1])
    rest = b'"seq":1}'
    with pytest.raises(ValueError, match="not a journal line"):
        decode_line(b'{"crc":"%08x",%b' % (zlib.crc32(rest), rest))


def test_a_missing_journal_is_an_empty_one(tmp_path):
    assert scan(tmp_path / "none") == scan(tmp_path / "none")
    assert scan(tmp_path / "none").size == 0


def test_a_line_without_end_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "journal"
    path.write_bytes(encode_header(Header(0, 1)) + b"x" * (3 << 20))

    found = scan(path)
    assert found.damaged_count == 2
    assert found.is_torn


def test_a_torn_tail_is_cut_before_the_next_append(tmp_path):
    path = tmp_path / "journal"
    journal = Journal.create(path, Header(0, 1))
    first = encode_record(1, Change("t", "a", b"{}"))
    journal.append(first)
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole + first[:20])

    found = scan(path)
    assert (found.is_torn, found.size, found.damaged_count) == (True, len(whole), 0)
    journal = Journal(path, found.size)
    journal.append(encode_record(2, Change("t", "b", None)))
    journal.close()
    journal.close()
    assert [record.sequence for record in scan(path).records] == [1, 2]


def test_a_sync_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    journal = Journal.create(tmp_path / "journal", Header(0, 1))
    before = (tmp_path / "journal").read_bytes()
    line = encode_record(1, Change("t", "a", b"{}"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing_call)
        with pytest.raises(OSError, match="Input/output error"):
            journal.append(line)

    journal.append(line)
    journal.close()
    assert (tmp_path / "journal").read_bytes() == before + line


def test_a_journal_that_can_not_be_cut_is_not_opened(tmp_path, monkeypatch):
    Journal.create(tmp_path / "journal", Header(0, 1)).close()
    monkeypatch.setattr(os, "ftruncate", failing_call)

    with pytest.raises(OSError, match="Input/output error"):
        Journal(tmp_path / "journal", 3)


def failing_call(*_):
    raise OSError(errno.EIO, "Input/output error")


def test_a_disk_that_returns_something_else_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "read_bytes", lambda _: b"y")

    with pytest.raises(OSError, match="does not return what was written"):
        write_verified(tmp_path / "full", b"x")


def test_an_error_without_a_text_is_still_explained(tmp_path):
    assert str(explained(OSError("odd"), tmp_path)).startswith(f"{tmp_path}: odd; check")


@given(
    bodies=st.dictionaries(
        TEXTS, st.dictionaries(TEXTS, DOCUMENTS, min_size=1, max_size=3), max_size=3
    ),
    schema=st.integers(1, 9),
    sequence=st.integers(0),
)
def test_a_snapshot_survives_its_file(bodies, schema, sequence):
    given_snapshot = snapshot.Snapshot(
        schema=schema,
        sequence=sequence,
        bodies={
            name: {key: encode_json(document) for key, document in rows.items()}
            for name, rows in bodies.items()
        },
    )
    assert snapshot.decode(snapshot.encode(given_snapshot)) == given_snapshot


@given(data=st.binary(max_size=99) | st.just(b'[],\n"crc32": "00000000"}\n'))
def test_any_bytes_are_a_snapshot_or_damaged(data):
    assert is_damaged(snapshot.decode, data)


def test_a_snapshot_that_verifies_and_says_nothing_known_is_damaged():
    payload = b'{"a": 1'
    with pytest.raises(ValueError, match="not a snapshot"):
        snapshot.decode(b'%b,\n"crc32": "%08x"}\n' % (payload, zlib.crc32(payload)))

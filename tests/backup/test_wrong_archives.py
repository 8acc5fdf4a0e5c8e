"""Archives that are not as they should be: refused, and nothing changes."""

import gzip
import io
import json
import tarfile

import pytest

from hub.backup import (
    manifest,
    restore_archive,
)
from hub.errors import HubError
from tests.backup.conftest import silent


def repacked(archive, target, change):
    """Write the archive anew with its members, as (name, data) pairs, changed."""
    with tarfile.open(archive) as old:
        members = [(entry.name, old.extractfile(entry).read()) for entry in old]
    with tarfile.open(target, "w:gz") as new:
        for name, data in change(members):
            entry = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))
    return target


def with_manifest(**changes):
    def change(members):
        content = json.loads(members[0][1])
        content.update(changes)
        return [(manifest.NAME, json.dumps(content).encode()), *members[1:]]

    return change


def link(members):
    entry = tarfile.TarInfo("hub.yaml")
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return [(entry, b"") if name == "hub.yaml" else (name, data) for name, data in members]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (with_manifest(format=2, files=5), "a newer version of the hub made this backup"),
        (with_manifest(database=99), "written by a newer version"),
        (with_manifest(documents=99), "written by a newer version"),
        (with_manifest(files={}), "no whole backup"),
        (with_manifest(files={"../evil": {"size": 1, "sha256": "0" * 64}}), "outside the folder"),
        (with_manifest(files={"/etc/evil": {"size": 1, "sha256": "0" * 64}}), "outside the folder"),
        (with_manifest(format="x"), "no backup of a hub"),
        (lambda members: members[1:], "no backup of a hub"),
        (lambda members: members[:-1], "missing"),
        (lambda members: [*members, ("../evil", b"x")], "not what the list of files says"),
        (lambda members: [*members, members[-1]], "not what the list of files says"),
        (lambda members: [*members[:-1], (members[-1][0], b"x")], "not what the list"),
        (
            lambda members: [*members[:-1], (members[-1][0], b"x" * len(members[-1][1]))],
            "checksum",
        ),
        (link, "not what the list of files says"),
    ],
)
async def test_an_archive_that_is_not_as_it_should_be_changes_nothing(
    archive, tmp_path, change, sentence
):
    folder = tmp_path / "fresh"
    folder.mkdir()
    wrong = repacked(archive, tmp_path / "wrong.tar.gz", change)

    with pytest.raises(HubError, match=sentence):
        restore_archive(wrong, folder, silent)

    assert list(folder.iterdir()) == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
async def test_an_archive_that_is_cut_off_changes_nothing(archive, tmp_path, share):
    folder = tmp_path / "fresh"
    folder.mkdir()
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])

    with pytest.raises(HubError):
        restore_archive(archive, folder, silent)

    assert list(folder.iterdir()) == []


async def test_one_flipped_byte_anywhere_is_found(archive, tmp_path):
    folder = tmp_path / "fresh"
    folder.mkdir()
    data = bytearray(gzip.decompress(archive.read_bytes()))
    for place in range(1500, len(data) - 20_000, len(data) // 10):
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        archive.write_bytes(gzip.compress(damaged, 1))
        try:
            restore_archive(archive, folder, silent, is_replacing=True)
        except HubError:
            continue
        # Padding between the members carries nothing.
        assert data[place] == 0

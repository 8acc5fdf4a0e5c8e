"""A folder with a store and documents in use, and a backup of it."""

import pytest

from hub.backup import Backup, write_archive
from hub.clock import SystemClock
from hub.storage.documents import Documents
from hub.storage.store import Store
from hub.storage.writes import QuarantineItem, WriteBatch


def silent(*_):
    pass


def row(series, at):
    return (series, at, 0, float(at), None, 0, 0)


@pytest.fixture
async def source(tmp_path):
    """A folder with a store and documents that are open and in use."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "hub.yaml").write_text("name: Home\n")
    (folder / "more").mkdir()
    (folder / "more" / "a.yaml").write_text("[]\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "b.yaml").write_text("[]\n")
    (folder / "old.tar.gz").write_text("an older backup")
    (folder / "cert.pem").write_text("certificate")
    store = Store(folder, SystemClock())
    await store.open()
    documents = await Documents.open(folder)
    await documents.table("users").put("ann", {"name": "ann"})
    batch = WriteBatch()
    batch.fresh += [row(1, at) for at in range(2000)]
    batch.quarantined.append(
        QuarantineItem(received=1, plugin="x", source="y", reason="z", body=b"q" * (2 << 20))
    )
    await store.writer.submit(batch)
    yield folder, store, documents
    await documents.close()
    await store.close()


@pytest.fixture
async def archive(source, tmp_path):
    folder, _, documents = source
    backup = Backup(
        folder=folder, documents=await documents.snapshot(), created="2026-03-01", version="1",
        also=(folder / "cert.pem",),
    )  # fmt: skip
    target = tmp_path / "backup.tar.gz"
    write_archive(backup, target, silent)
    return target

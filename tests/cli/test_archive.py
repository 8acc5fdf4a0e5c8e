"""``hub backup`` and ``hub restore``."""

from hub.app.lock import FolderLock
from hub.backup import replacement


def test_a_backup_comes_back_in_an_empty_folder(hub, tmp_path, monkeypatch):
    hub("user", "add", "ann", "--role", "owner", "--password-stdin", stdin="long enough\n")
    archive = tmp_path / "b.tar.gz"

    made = hub("backup", archive)
    assert (made.code, made.out.startswith(f"{archive}: ")) == (0, True)
    assert hub("backup", archive).code == 1
    assert hub("backup", archive, "--force").code == 0
    monkeypatch.setenv("FIELDHUB_CONFIG", str(tmp_path / "other"))
    restored = hub("restore", archive, config=False)

    assert restored.code == 0, restored.err
    assert "restored" in restored.out
    assert hub("status", "--json", config=False).json()["users"] == 1
    assert (tmp_path / "other" / "secrets.yaml").exists()


def test_a_folder_with_a_hub_is_replaced_on_request_only(hub, tmp_path, folder):
    hub("backup", tmp_path / "b.tar.gz")
    (folder / "hub.yaml").write_text("name: Another\n")

    refused = hub("restore", tmp_path / "b.tar.gz")
    assert (refused.code, "use --force" in refused.err) == (1, True)
    assert hub("restore", tmp_path / "b.tar.gz", "--force").code == 0
    assert "Test farm" in (folder / "hub.yaml").read_text()


def test_an_archive_that_is_not_there_is_one_sentence(hub, tmp_path):
    result = hub("restore", tmp_path / "gone")

    assert (result.code, "there is no such file" in result.err) == (1, True)


def test_a_folder_in_use_is_not_restored(hub, tmp_path, folder):
    hub("backup", tmp_path / "b.tar.gz")
    lock = FolderLock(folder)
    lock.take()
    try:
        result = hub("restore", tmp_path / "b.tar.gz", "--force")
    finally:
        lock.release()

    assert (result.code, "another hub is running" in result.err) == (1, True)


def test_a_restore_that_was_cut_short_is_finished_by_the_next_command(hub, tmp_path, folder):
    fresh = replacement.stage(folder)
    (fresh / "hub.yaml").write_text("name: Restored\nhttp: {port: 0}\n")
    (folder / replacement.STAGE / "moves.json").write_text('["hub.yaml", "secrets.yaml"]')

    assert hub("status", "--json").json()["name"] == "Restored"
    assert not (folder / "secrets.yaml").exists()


def test_a_command_waits_for_another_one_and_gives_up_in_the_end(hub, folder, monkeypatch):
    monkeypatch.setattr("hub.cli.remote._PATIENCE", 0.5)
    lock = FolderLock(folder)
    lock.take()
    try:
        result = hub("status")
    finally:
        lock.release()

    assert (result.code, "another hub is running" in result.err) == (1, True)

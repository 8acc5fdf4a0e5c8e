"""The files of a first start."""

import os
from pathlib import Path

import pytest

from hub.config import ConfigErrors, create_defaults, load


def test_a_first_start_makes_a_configuration_that_works(tmp_path):
    folder = tmp_path / "deep" / "config"
    created = create_defaults(folder)

    read = load(folder)
    assert read.problems == ()
    assert read.http.host == "127.0.0.1"
    assert read.automations == []
    token = read.sections["efento"]["tokens"][0]["token"]
    assert created.efento_token.reveal() == token
    assert len(token) == 32
    assert [path.name for path in created.files] == ["secrets.yaml", "automations.yaml", "hub.yaml"]
    assert sorted(folder.iterdir()) == sorted(created.files)
    assert token not in repr(created)


def test_the_files_are_for_their_owner_alone(tmp_path):
    created = create_defaults(tmp_path / "config")

    assert created.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in created.files} == {0o600}


def test_one_line_opens_the_hub_to_the_network(tmp_path):
    create_defaults(tmp_path)
    lines = (tmp_path / "hub.yaml").read_text().splitlines()
    comment = next(i for i, line in enumerate(lines) if "host: 0.0.0.0" in line)

    assert lines[comment + 1] == "  host: 127.0.0.1"
    lines[comment + 1] = "  host: 0.0.0.0"
    (tmp_path / "hub.yaml").write_text("\n".join(lines))
    assert load(tmp_path).http.host == "0.0.0.0"  # noqa: S104


def test_each_first_start_has_a_token_of_its_own(tmp_path):
    first, second = (create_defaults(tmp_path / name).efento_token for name in "ab")

    assert first != second


def test_a_second_start_changes_nothing(tmp_path):
    create_defaults(tmp_path)
    (tmp_path / "automations.yaml").unlink()
    (tmp_path / "hub.yaml").write_text("name: mine\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    created = create_defaults(tmp_path)

    assert (created.files, created.efento_token) == ((), None)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("text", ["mine: x\n", "- x\n", "a: [", ""])
def test_the_users_own_secrets_are_kept_and_not_asked_for_what_they_lack(tmp_path, text):
    (tmp_path / "secrets.yaml").write_text(text)
    created = create_defaults(tmp_path)

    assert created.efento_token is None
    assert (tmp_path / "secrets.yaml").read_text() == text
    assert "efento" not in load(tmp_path).sections


def test_a_first_start_that_was_cut_short_is_completed(tmp_path):
    token = create_defaults(tmp_path).efento_token
    (tmp_path / "hub.yaml").unlink()
    (tmp_path / ".hub.yaml.new").write_text("half a fi")
    created = create_defaults(tmp_path)

    assert [path.name for path in created.files] == ["hub.yaml"]
    assert created.efento_token is None
    assert load(tmp_path).sections["efento"]["tokens"][0]["token"] == token.reveal()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_system_without_links_will_do(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "automations.yaml").write_text("# mine\n")
    created = create_defaults(tmp_path)

    assert [path.name for path in created.files] == ["secrets.yaml", "hub.yaml"]
    assert (tmp_path / "automations.yaml").read_text() == "# mine\n"
    assert (tmp_path / "secrets.yaml").stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 3


def test_a_place_that_can_not_be_written_is_explained():
    with pytest.raises(ConfigErrors, match=r"^/proc/nowhere: the configuration can't be written: "):
        create_defaults(Path("/proc/nowhere"))

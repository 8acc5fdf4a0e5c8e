"""``hub user`` and ``hub token``, on a hub that does not run."""

import pytest


def test_a_user_and_a_token_are_made_without_a_running_hub(hub):
    added = hub(
        "user", "add", "ann", "--role", "owner", "--password-stdin", stdin="correct horse\n"
    )
    token = hub("token", "add", "--user", "ann", "--name", "my script")

    assert (added.code, added.out) == (0, "user ann added, role owner\n")
    assert token.code == 0
    assert token.out.startswith("fh_")
    assert token.out.count("\n") == 1
    assert token.err == ""
    assert hub("status", "--json").json()["users"] == 1


def test_json_is_for_programs(hub):
    result = hub(
        "user",
        "add",
        "ben",
        "--role",
        "viewer",
        "--password-stdin",
        "--json",
        stdin="long enough\n",
    )

    assert result.json()["name"] == "ben"


@pytest.mark.parametrize(
    ("arguments", "password", "sentence"),
    [
        (["Ann"], "long enough", "expected a name"),
        (["guest"], "long enough", "reserved"),
        (["ann"], "short", "password: expected 8"),
        (["ann"], "", "no password on standard input"),
    ],
)
def test_what_is_refused_is_explained_and_the_password_not_shown(
    hub, arguments, password, sentence
):
    result = hub("user", "add", *arguments, "--role", "admin", "--password-stdin",
                 stdin=f"{password}\n" if password else "")  # fmt: skip

    assert result.code == 1
    assert sentence in result.err
    assert "long enough" not in result.out + result.err


def test_a_taken_name_is_refused(hub):
    hub("user", "add", "ann", "--role", "viewer", "--password-stdin", stdin="long enough\n")

    result = hub(
        "user", "add", "ann", "--role", "viewer", "--password-stdin", stdin="long enough\n"
    )

    assert result.code == 1
    assert "taken" in result.err


def test_without_a_terminal_the_password_comes_by_standard_input(hub):
    result = hub("user", "add", "ann", "--role", "viewer")

    assert result.code == 2
    assert "--password-stdin" in result.err


def test_a_token_needs_a_user(hub):
    result = hub("token", "add", "--user", "nobody", "--name", "x")

    assert (result.code, result.out) == (1, "")
    assert "there is no such user" in result.err


def test_on_a_terminal_the_password_is_asked_for_twice(hub, monkeypatch):
    asked = []

    def answer(prompt, **options):
        asked.append((prompt, options["hide_input"], options["confirmation_prompt"]))
        return "long enough"

    monkeypatch.setattr("typer.prompt", answer)
    monkeypatch.setattr("tests.cli.conftest._Input.isatty", lambda _: True)

    assert hub("user", "add", "ann", "--role", "viewer").code == 0
    assert asked == [("Password for ann", True, True)]

"""The command line as a whole: help, usage, errors, and the commands of plugins."""

import subprocess
import sys
import textwrap

import pytest

from hub.cli.session import find_folder


def test_help_names_every_command(hub):
    result = hub("--help")

    assert result.code == 0
    for name in ("run", "check", "user", "token", "plugins", "quarantine", "backup", "restore",
                 "simulate", "automation", "status"):  # fmt: skip
        assert f"  {name} " in result.out


def test_the_version_is_told(hub):
    assert hub("--version").out.startswith("fieldhub ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["run", "--nonsense"],
        ["user", "add", "ann"],
        ["user", "add", "ann", "--role", "king"],
        ["run", "--log-level", "loud"],
        ["simulate", "efento"],
        ["simulate", "efento", "--url", "ftp://x"],
        ["simulate", "efento", "--url", "http://x", "--every", "0"],
        ["simulate", "nothing", "--url", "http://127.0.0.1:1"],
        ["quarantine", "drop"],
        ["quarantine", "drop", "1", "--all"],
        ["backup"],
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(hub, arguments):
    result = hub(*arguments)

    assert result.code == 2
    assert "Error" in result.err
    assert "Traceback" not in result.err


def test_the_folder_is_the_option_else_the_environment_else_the_usual_place(monkeypatch, tmp_path):
    monkeypatch.setenv("FIELDHUB_CONFIG", str(tmp_path / "named"))

    assert find_folder(tmp_path) == tmp_path
    assert find_folder(None) == tmp_path / "named"
    monkeypatch.delenv("FIELDHUB_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert find_folder(None) == tmp_path / "fieldhub"


def test_a_folder_that_is_not_there_is_one_sentence(hub, folder, monkeypatch):
    monkeypatch.setenv("FIELDHUB_CONFIG", str(folder / "nowhere"))

    result = hub("token", "add", "--user", "ann", "--name", "x", config=False)

    assert result.code == 1
    assert result.err.count("\n") == 1
    assert "there is no such folder" in result.err
    assert not (folder / "nowhere").exists()


PLUGIN = """
from hub import hookimpl
import typer

app = typer.Typer(help="Things of the orchard.")

@app.command()
def prune():
    "Prune the trees."
    print("pruned")

@hookimpl
def register_commands():
    return {returned}
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a plugin that is a module beside a dist-info folder."""

    def make(name, source):
        place = tmp_path / "site"
        info = place / f"{name}-1.dist-info"
        info.mkdir(parents=True)
        (place / f"plugin_{name}.py").write_text(textwrap.dedent(source))
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[hub]\n{name} = plugin_{name}\n")
        monkeypatch.syspath_prepend(place)

    yield make
    for name in [name for name in sys.modules if name.startswith("plugin_")]:
        del sys.modules[name]


def test_a_plugin_adds_commands_under_its_name(hub, install):
    install("old_orchard", PLUGIN.format(returned="app"))

    assert "old-orchard" in hub("--help").out
    result = hub("old-orchard", "prune")
    assert (result.code, result.out) == (0, "pruned\n")


def test_a_plugin_that_cannot_be_imported_does_not_break_the_command_line(hub, install):
    install("rotten", "raise RuntimeError('no')")

    result = hub("--help")
    assert result.code == 0
    assert "rotten" not in result.out
    assert hub("rotten").code == 2
    failed = {p["name"]: p for p in hub("plugins", "--json").json()}["rotten"]
    assert failed["status"] == "failed"
    assert "RuntimeError: no" in failed["error"]


def test_commands_that_are_none_are_named(hub, install):
    install("odd", PLUGIN.format(returned="42"))

    result = hub("--help")

    assert result.code == 0
    assert "plugin odd: register_commands: expected a typer.Typer, got int" in result.err


def test_commands_that_raise_are_named(hub, install):
    install("odd", PLUGIN.format(returned="1 / 0"))

    assert "plugin odd: register_commands: ZeroDivisionError" in hub("--help").err


def test_a_disabled_plugin_has_no_commands(hub, install, folder):
    install("orchard", PLUGIN.format(returned="app"))
    (folder / "hub.yaml").write_text("plugins: {disabled: [orchard]}\n")

    assert "orchard" not in hub("--help").out


def test_what_nobody_foresaw_is_one_sentence_without_a_traceback(install, folder, tmp_path):
    program = (
        "import sys; sys.argv = ['hub', *sys.argv[1:]]\n"
        "from hub.cli import main, check\n"
        "check.load = lambda folder: 1 / 0\n"
        "main.main()\n"
    )

    def call(*arguments):
        return subprocess.run(
            [sys.executable, "-c", program, *arguments, "--config", folder, "check"],
            capture_output=True, text=True, timeout=50, check=False,
        )  # fmt: skip

    quiet, loud = call(), call("--debug")
    assert quiet.returncode == loud.returncode == 1
    assert "ZeroDivisionError" in quiet.stderr
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr

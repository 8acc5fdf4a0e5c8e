"""The command line as the documentation shows it is the one there is."""

import re
import shlex

import pytest

from docs.commands import commands
from hub.cli.main import hub
from tests.house.tree import DOCS, ROOT, name_of

PAGES = [ROOT / "README.md", ROOT / "Makefile", *sorted(DOCS.glob("**/*.md"))]
KNOWN = {tuple(path[1:]): command for path, command in commands(hub)}


def shown():
    """Find every call of ``hub`` in a console block, or in the Makefile."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in re.findall(r"^(?:\$ |\t)(.*(?:\bhub|/hub) .*)$", text, re.MULTILINE):
            call = re.search(r"(?:^|[\s(/])hub (.*?)\)?$", line)
            if call and "pytest" not in line and "pip" not in line:
                yield pytest.param(call[1], id=f"{name_of(page)}: {call[1][:60]}")


def names(command):
    return {name: p for p in command.params for name in (*p.opts, *p.secondary_opts)}


@pytest.mark.parametrize("line", list(shown()))
def test_a_shown_command_exists_with_its_options(line):
    words, path = shlex.split(line), ()
    options = names(KNOWN[()])
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            assert word in options, f"hub {' '.join(path)} has no {word}"
            if not options[word].is_flag:
                words.pop(0)
        elif (*path, word) in KNOWN:
            path = (*path, word)
            options = names(KNOWN[path])
        else:
            assert path, f"there is no hub {word}"
            assert any(not name.startswith("-") for name in options), f"hub {path} takes no {word}"
    assert path in KNOWN
    assert not getattr(KNOWN[path], "commands", None), "this names a group only"


def test_calls_are_found():
    assert len(list(shown())) > 10

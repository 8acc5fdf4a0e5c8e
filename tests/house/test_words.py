"""The project speaks of itself alone, and of things as they are."""

import re

import pytest

from tests.house.tree import ROOT, name_of, texts

# Notes of unfinished work, and words about how a text came to be instead of what it says. Each is
# written in two halves, so that this file does not hold what it looks for.
UNWANTED = re.compile(
    "|".join(
        (
            r"\bTO" + r"DO\b",
            r"\bFIX" + r"ME\b",
            r"\bX" + r"XX\b",
            r"\bthe br" + r"ief\b",
            r"\bas (?:req" + r"uested|inst" + r"ructed)\b",
            r"\bissue \d",
            r"\b(?:per|in|see) dec" + r"isions?(?:\.md)? \d",
            r"\bdecision \d",
            r"(?:dec" + r"isions|des" + r"ign|st" + r"yle|performance)\.md",
            r"\bshar" + r"ed/(?:specs|protocols|seeds|tools)\b",
            r"/wo" + r"rk/",
            r"\b[Cc]hat" + r"GPT\b|\b[Cc]lau" + r"de\b|\blanguage mo" + r"del\b",
        )
    )
)
# The vendors' and the specification's own texts in test data are quoted as they are.
QUOTED = re.compile(r"^(?:tests/.*\.json|LICENSE)$")


def test_every_text_is_about_the_project():
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in texts()
        if not QUOTED.match(name_of(path))
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if UNWANTED.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("halves", [("TO", "DO: later"), ("see decision", " 22"), ("issue", " 7")])
def test_the_list_finds_what_it_is_for(halves):
    assert UNWANTED.search("".join(halves))


def test_the_texts_are_found():
    assert ROOT / "README.md" in texts()

"""Fragments of the changelog: their names and their sentences."""

import re
import tomllib

import pytest

from tests.house.tree import ROOT, name_of

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
KINDS = "|".join(kind["directory"] for kind in SETTINGS["type"])
FRAGMENTS = sorted((ROOT / SETTINGS["directory"]).iterdir())


@pytest.mark.parametrize("path", FRAGMENTS, ids=name_of)
def test_a_fragment_is_named_after_its_change_and_kind(path):
    assert re.fullmatch(rf"\+[a-z0-9-]+\.(?:{KINDS})\.md|\.gitkeep", path.name)


@pytest.mark.parametrize("path", FRAGMENTS, ids=name_of)
def test_a_fragment_is_a_sentence_or_two_for_the_user(path):
    text = path.read_text(encoding="utf-8").strip()

    assert path.name == ".gitkeep" or re.fullmatch(r"[A-Z`].{10,400}\.", text, re.DOTALL)

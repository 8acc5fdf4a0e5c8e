"""The public door: what it offers, in order, and that each thing is documented."""

import re

import pytest

import hub
from tests.house.tree import DOCS

REFERENCE = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")


def order(name):
    """Sort as everybody's linter does: constants, classes, then the rest."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


def test_the_names_are_sorted():
    assert hub.__all__ == sorted(hub.__all__, key=order)


def test_nothing_is_offered_by_accident():
    offered = {
        name
        for name, thing in vars(hub).items()
        if not name.startswith("_") and not (hasattr(thing, "__path__") or is_submodule(thing))
    }

    assert offered - {"VERSION"} | {"jsonsplit", "shapes", "units"} == set(hub.__all__)


def is_submodule(thing):
    return getattr(thing, "__spec__", None) is not None


@pytest.mark.parametrize("name", hub.__all__)
def test_each_name_has_its_heading(name):
    assert re.search(rf"^### `{re.escape(name)}`$", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("name", hub.__all__)
def test_each_name_exists_and_says_what_it_is(name):
    thing = getattr(hub, name)

    assert getattr(thing, "__doc__", None)

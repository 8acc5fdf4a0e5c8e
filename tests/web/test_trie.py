import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.trie import Node, shape_of, split

NAMES = st.sampled_from(["a", "b", "things"])
SHAPES = st.lists(st.none() | NAMES, min_size=1, max_size=4).map(tuple)


def tree(*shapes):
    root = Node()
    for shape in shapes:
        root.add(shape, "GET", shape)
    return root


def test_names_come_before_parameters():
    root = tree(("things", None), ("things", "first"), (None, "first"))

    assert list(root.walk(["things", "first"])) == [
        ({"GET": ("things", "first")}, ()),
        ({"GET": ("things", None)}, ("first",)),
        ({"GET": (None, "first")}, ("things",)),
    ]


def test_a_parameter_is_never_empty():
    assert not list(tree(("things", None)).walk(["things", ""]))


def test_a_path_is_split_before_it_is_decoded():
    assert split("/a%2Fb/c%20d//") == ["a/b", "c d", "", ""]
    assert split("/caf%C3%A9/%ff") == ["café", "\ufffd"]


@pytest.mark.parametrize(
    "path", ["", "a", "/a?b", "/a#b", "/{", "/a{b}", "/{b}c", "/{}", "/{A}", "/{a}/{a}"]
)
def test_a_malformed_path_is_refused(path):
    with pytest.raises(ValueError, match="expected"):
        shape_of(path)


def test_the_shape_of_a_path_leaves_out_the_names_of_parameters():
    assert shape_of("/a/{b}/c/{d}") == (("a", None, "c", None), ("b", "d"))


@given(st.lists(SHAPES, max_size=8), st.lists(NAMES, min_size=1, max_size=4))
def test_walking_finds_exactly_the_shapes_that_fit(shapes, path):
    found = [next(iter(ends.values())) for ends, _ in tree(*shapes).walk(path)]

    fitting = {
        shape
        for shape in shapes
        if len(shape) == len(path)
        and all(name in {None, part} for name, part in zip(shape, path, strict=True))
    }
    assert len(found) == len(set(found))
    assert set(found) == fitting

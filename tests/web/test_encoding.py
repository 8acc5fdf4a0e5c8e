import json

from hypothesis import given
from hypothesis import strategies as st

from hub.web.encoding import CHUNK_BYTES, array

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(JSON, max_size=20))
async def test_an_array_in_slices_is_the_array(items):
    assert json.loads(b"".join([piece async for piece in array(items)])) == items


async def test_the_pieces_of_a_large_array_are_small():
    pieces = [piece async for piece in array("x" * 1000 for _ in range(1000))]

    assert len(pieces) > 10
    assert max(map(len, pieces)) < CHUNK_BYTES + 2000

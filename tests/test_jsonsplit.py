import asyncio
import json
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import WireError
from hub.jsonsplit import CHUNK, Pace, pieces, split

MIB = 1024 * 1024
# Seconds; a run that measures coverage is several times slower.
LONGEST_BLOCK = 0.05 if sys.gettrace() is None else 0.5

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
DUMPS = st.sampled_from(
    [
        json.dumps,
        lambda value: json.dumps(value, ensure_ascii=False),
        lambda value: json.dumps(value, indent="\t"),
        lambda value: json.dumps(value, separators=(",", ":")),
    ]
)


async def elements(body, key="measurements"):
    result = await split(body, key)
    assert result.error is None
    assert result.rest == b""
    return [element for chunk in result.chunks() for element in json.loads(chunk)]


@given(st.lists(JSON, max_size=8), st.dictionaries(st.text(), JSON, max_size=3), DUMPS)
async def test_the_elements_are_those_that_json_finds(items, others, dumps):
    text = dumps({**others, "measurements": items, "zzz": others})

    assert await elements(text.encode(errors="surrogatepass")) == items


@given(st.lists(JSON, max_size=8), DUMPS)
async def test_a_bare_list_is_split_as_well(items, dumps):
    assert await elements(dumps(items).encode(errors="surrogatepass"), None) == items


@given(st.lists(JSON, max_size=6), DUMPS)
async def test_pieces_are_the_elements_one_by_one(items, dumps):
    result = await split(dumps(items).encode(errors="surrogatepass"))

    found = [json.loads(piece) for chunk in result.chunks() for piece in pieces(chunk)]
    assert found == items


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\ 1a', max_size=60).map(str.encode))
async def test_arbitrary_bytes_raise_nothing_but_a_wire_error(body):
    for key in (None, "a"):
        try:
            result = await split(body, key)
        except WireError:
            continue
        for chunk in result.chunks():
            assert b"".join(pieces(chunk)) in chunk or len(pieces(chunk)) > 1


@given(st.lists(JSON, min_size=1, max_size=6), st.data())
async def test_what_is_cut_off_is_told_and_what_came_before_it_is_read(items, data):
    body = json.dumps({"measurements": items}).encode()
    cut = data.draw(st.integers(min_value=len('{"measurements": ['), max_value=len(body) - 1))

    result = await split(body[:cut], "measurements")

    assert isinstance(result.error, WireError)
    whole = [element for chunk in result.chunks() for element in pieces(chunk)]
    assert [json.loads(element) for element in whole] == items[: len(whole)]
    assert body[:cut].endswith(result.rest)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb'{"x": "\"measurements\":[1]", "measurements": [2]}', [2]),
        (b'{"x": {"measurements": [1]}, "measurements": [2]}', [2]),
        (b'{"measurements": [1], "measurements": [2, 3]}', [2, 3]),
        (b'{"measurements": 1, "measurements": [2]}', [2]),
        (rb'{"measure\u006dents": [2]}', [2]),
        (b'\xef\xbb\xbf {"measurements" : [ ] }\n', []),
        (b'{"measurements": [[1, [2]], {"a": "]"}], "b": []}', [[1, [2]], {"a": "]"}]),
    ],
)
async def test_keys_and_texts_do_not_confuse_it(body, expected):
    assert await elements(body) == expected == json.loads(body.decode("utf-8-sig"))["measurements"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1",
        b'"measurements"',
        b"{}",
        b"[1]",
        b'{"other": [1]}',
        b'{"measurements": {}}',
        b'{"measurements": [1], "measurements": 2}',
        rb'{"measurement\u00": [1]}',
        rb'{"\ud800": [1]}',
        b"{measurements: [1]}",
        b'{"measurements" [1]}',
        b'{"measurements',
    ],
)
async def test_without_such_an_array_there_is_an_error(body):
    with pytest.raises(WireError):
        await split(body, "measurements")


async def test_a_bare_list_is_demanded_without_a_key():
    with pytest.raises(WireError, match="expected a list"):
        await split(b"{}")


@pytest.mark.parametrize(
    ("body", "read", "rest", "problem"),
    [
        (b'{"m": [1, 2', [1], b" 2", "byte 11: expected ',' or a closing bracket, got the end"),
        (b'{"m": [1, 2}', [1], b" 2}", "byte 11: expected ',' or ']', got '}'"),
        (b'{"m": [1, "2]}', [1], b' "2]}', "byte 14: expected the end of a text, got the end"),
        (b'{"m": [1]', [1], b"", "byte 9: expected ',' or '}', got the end"),
        (b'{"m": [1]} x', [1], b"x", "byte 11: expected the end, got 'x'"),
        (b'{"m": [1], x', [1], b"x", "byte 11: expected a key, got 'x'"),
    ],
)
async def test_an_error_names_the_place_and_leaves_the_rest(body, read, rest, problem):
    result = await split(body, "m")

    assert [json.loads(p) for chunk in result.chunks() for p in pieces(chunk)] == read
    assert str(result.error) == problem
    assert result.rest == rest


async def test_an_element_with_a_broken_inside_leaves_its_neighbours_alone():
    result = await split(b'[{"a": 1}, {"a": nonsense 2}, {"a": 3},]')

    (chunk,) = result.chunks()
    assert pieces(chunk) == [b'{"a": 1}', b'{"a": nonsense 2}', b'{"a": 3}']


@pytest.mark.parametrize("depth", [3, 8, 60, 400])
async def test_deep_elements_are_split_like_flat_ones(depth):
    item = "[" * depth + "1" + "]" * depth
    body = f"[{item}, 2, {item}]".encode()

    result = await split(body)

    assert [p.decode() for chunk in result.chunks() for p in pieces(chunk)] == [item, "2", item]


async def test_chunks_are_small_unless_one_element_is_large():
    large = "x" * (3 * CHUNK)
    items = [1] * 20_000 + [large] + [{"n": n, "s": "s" * (n % 50)} for n in range(5000)]

    result = await split(json.dumps(items).encode())

    chunks = list(result.chunks())
    assert [element for chunk in chunks for element in json.loads(chunk)] == items
    assert [json.loads(chunk) for chunk in chunks if len(chunk) > CHUNK + 2] == [[large]]
    assert len(chunks) < 2.5 * sum(map(len, chunks)) / CHUNK


async def longest_block(body):
    """Return how long the event loop was held while *body* was split, in seconds of this thread."""
    longest = 0.0
    is_done = False

    async def watch():
        nonlocal longest
        last = time.thread_time()
        while not is_done:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest = max(longest, now - last)
            last = now

    watcher = asyncio.ensure_future(watch())
    await asyncio.sleep(0)
    try:
        await split(body, "measurements")
    except WireError:
        pass
    finally:
        is_done = True
        await watcher
    return longest


ENTRY = json.dumps({"serial": "282C024FFFB1", "params": [{"channel": 1, "value": 21.5}] * 3})


@pytest.mark.parametrize(
    "body",
    [
        b'{"measurements":[' + b",".join([ENTRY.encode()] * 30_000) + b"]}",
        b'{"measurements":["' + b"a" * 16 * MIB + b'"]}',
        b'{"measurements":["' + b"a" * 16 * MIB,
        b'{"measurements":["' + b"\\" * 4 * MIB,
        b'{"measurements":[' + b"[" * 16 * MIB,
        b'{"measurements":[' + b'"' * 4 * MIB,
        b'{"measurements":[' + b" " * 16 * MIB,
        b'{"measurements":[' + b"," * 4 * MIB,
        b'{"measurements":[' + b"[]," * MIB,
        b'{"measurements":[' + b"[[[[[[[[]]]]]]]]," * 30_000,
        b'{"measurements":[[' + b"[[[[[[[[]]]]]]]]," * 30_000,
        b'{"' + b"a" * 16 * MIB + b'":1}',
        b"{" + b'"a":1,' * 60_000,
    ],
    ids=lambda body: f"{body[:24]!r}",
)
async def test_the_loop_is_never_held_for_long(body):
    assert await longest_block(body) < LONGEST_BLOCK


async def test_a_pace_lets_others_run_during_long_work():
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    pace = Pace()
    until = time.perf_counter() + 0.06
    while time.perf_counter() < until:
        await pace.breathe()
    task.cancel()

    assert 3 <= turns <= 20

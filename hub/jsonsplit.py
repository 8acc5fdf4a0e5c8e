"""Large JSON arrays in pieces, without one long call.

Decoding a body of some MiB in one call holds the event loop for tens of milliseconds. Here an
array is cut into chunks of whole elements with regular expressions that look at a bounded window
each, so that the loop gets its turn in between; the caller then decodes chunk by chunk.

Brackets and strings are followed, nothing else is checked: what lies between two commas of the
array is an element, and whoever decodes it finds out whether it is JSON. So one element with a
broken inside does not take its neighbours along.
"""

import asyncio
import re
from collections.abc import Iterator

import msgspec
from attrs import field, frozen

from hub.errors import WireError

CHUNK = 16 * 1024
"""Bytes that one look at the body covers, and the size chunks are merged up to."""

# json and msgspec give up between 500 and 1000 levels as well.
_DEEPEST = 500
_SLICE = 0.005  # seconds of work between two turns of the event loop

# Possessive all over: a window is passed once, whatever is in it, and nothing is tried again.
_STRING = rb'"(?:[^"\\]++|\\.)*+"'


def _nested(levels: int) -> bytes:
    inside = rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+"
    for _ in range(levels):
        inside = rb'(?:[^"\[\]{}]++|' + _STRING + rb"|[\[{]" + inside + rb"[\]}])*+"
    return inside


_ELEMENT = rb'(?:[^,"\[\]{}]++|' + _STRING + rb"|[\[{]" + _nested(5) + rb"[\]}])"
_MANY = re.compile(rb"(?:" + _ELEMENT + rb"*+,)*+", re.DOTALL)
_ONE = re.compile(_ELEMENT + rb"*+,", re.DOTALL)
_OUTSIDE = re.compile(_ELEMENT + rb"*+", re.DOTALL)
_INSIDE = re.compile(_nested(6), re.DOTALL)
_TEXT = re.compile(rb"(?:[^\"\\]++|\\.)*+", re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_BOM = b"\xef\xbb\xbf"


class Pace:
    """Gives the event loop its turn during long work, about every 5 ms.

    It goes by the loop's own clock: what counts is how long the machine was really busy.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + _SLICE

    async def breathe(self) -> None:
        """Let others run if this work has had its slice of time; call it between small steps."""
        if self._loop.time() >= self._until:
            await asyncio.sleep(0)
            self._until = self._loop.time() + _SLICE


@frozen
class Split:
    """An array cut into chunks.

    ``error`` tells why reading stopped before the end of the body, and ``rest`` is what was not
    read, from the beginning of the element that could not be.
    """

    _body: bytes = field(repr=False)
    _spans: list[tuple[int, int]] = field(repr=False)
    error: WireError | None
    _stop: int

    @property
    def rest(self) -> bytes:
        """What was not read; empty without an error."""
        return self._body[self._stop :] if self.error else b""

    def chunks(self) -> Iterator[bytes]:
        """Yield JSON arrays that together hold all elements, in order.

        One that is longer than :data:`CHUNK` and its two brackets holds a single element.
        """
        for start, end in self._spans:
            yield b"[%b]" % self._body[start:end]


async def split(body: bytes, key: str | None = None, *, pace: Pace | None = None) -> Split:
    """Cut the array at *key* of a JSON object, or the array that *body* is, into chunks.

    Other members are skipped, and of equal keys the last one counts, as in other readers of JSON.
    A byte order mark is allowed.

    Raises:
        WireError: There is no such array.
    """
    pace = pace or Pace()
    scanner = _Scanner(body, _MANY, CHUNK)
    error: WireError | None = None
    try:
        for _ in scanner.document(key):
            await pace.breathe()
    except WireError as err:
        if not scanner.found:
            raise
        error = err
    if not scanner.found:
        problem = "expected a list, got nothing" if key is None else "expected a list"
        raise WireError(key or "body", problem)
    return Split(body, scanner.spans, error, scanner.begun)


def pieces(chunk: bytes) -> list[bytes]:
    """Cut one chunk into its elements, for when one of them can't be decoded.

    Raises:
        WireError: It is not one of :meth:`Split.chunks`.
    """
    if len(chunk) > CHUNK + 2:
        return [chunk[1:-1].strip()]
    found: list[bytes] = []
    at = 1
    while match := _ONE.match(chunk, at):
        found.append(match.group()[:-1].strip())
        at = match.end()
    # What the pattern can't match, such as the last element, which no comma follows.
    scanner = _Scanner(b"[" + chunk[at:], _ONE, 0)
    for _ in scanner.document(None):
        pass
    return found + [scanner.body[start:end].strip() for start, end in scanner.spans]


class _Scanner:
    """Goes through a body step by step; each method is a generator that yields between steps."""

    def __init__(self, body: bytes, pattern: re.Pattern[bytes], merge: int) -> None:
        self.body = body
        self.at = 0
        self.begun = 0  # where the element or member being read begins
        self.found = False
        self.spans: list[tuple[int, int]] = []
        self._pattern = pattern
        self._merge = merge

    def document(self, key: str | None) -> Iterator[None]:
        """Read the whole body and leave the spans of the array's elements in ``spans``."""
        if self.body.startswith(_BOM):
            self.at = len(_BOM)
        yield from self._space()
        if key is None:
            self._expect(b"[", "a list")
            self.found = True
            yield from self._array()
        else:
            self._expect(b"{", "an object")
            yield from self._object(key)
        yield from self._space()
        if self.at < len(self.body):
            self.begun = self.at
            raise self._error("the end")

    def _object(self, key: str) -> Iterator[None]:
        yield from self._space()
        if self._next() == b"}":
            self.at += 1
            return
        while True:
            yield from self._space()
            self.begun = self.at
            self._expect(b'"', "a key")
            yield from self._string()
            is_wanted = self._is_key(key)
            yield from self._space()
            self._expect(b":", "':'")
            yield from self._space()
            yield from self._member(is_wanted=is_wanted)
            if self._next() == b"}":
                self.at += 1
                return
            self._expect(b",", "',' or '}'")

    def _member(self, *, is_wanted: bool) -> Iterator[None]:
        if is_wanted:
            self.found = self._next() == b"["
            self.spans = []
        if is_wanted and self.found:
            self.at += 1
            yield from self._array()
            self.begun = self.at
            yield from self._space()
        else:
            yield from self._value()

    def _array(self) -> Iterator[None]:
        yield from self._space()
        self.begun = self.at
        if self._next() == b"]":
            self.at += 1
            return
        match = self._pattern.match
        while True:
            start = self.begun = self.at
            found = match(self.body, start, start + CHUNK)
            end = found.end() if found else start
            yield
            if end > start:
                self._add(start, end - 1)
                self.at = end
                continue
            yield from self._value()
            last = self._next()
            if last == b"}":
                raise self._error("',' or ']'")
            self._add(start, self.at)
            self.at += 1
            if last == b"]":
                return

    def _add(self, start: int, end: int) -> None:
        if self.spans and end - self.spans[-1][0] <= self._merge:
            start = self.spans.pop()[0]
        self.spans.append((start, end))

    def _value(self) -> Iterator[None]:
        """Stop at the comma or bracket that ends the value."""
        depth = 0
        while True:
            yield from self._skip(_INSIDE if depth else _OUTSIDE)
            byte = self._next()
            if byte == b'"':
                self.at += 1
                yield from self._string()
            elif byte in (b"[", b"{"):
                depth += 1
                if depth > _DEEPEST:
                    raise self._error(f"at most {_DEEPEST} levels")
                self.at += 1
            elif byte in (b"]", b"}") and depth:
                depth -= 1
                self.at += 1
            elif byte:
                return
            else:
                raise self._error("',' or a closing bracket")

    def _string(self) -> Iterator[None]:
        yield from self._skip(_TEXT)
        self._expect(b'"', "the end of a text")

    def _space(self) -> Iterator[None]:
        yield from self._skip(_SPACE)

    def _skip(self, pattern: re.Pattern[bytes]) -> Iterator[None]:
        # A window may end in the middle of a text, so only one that brings nothing is the last.
        while (end := _end(pattern.match(self.body, self.at, self.at + CHUNK))) > self.at:
            self.at = end
            yield

    def _is_key(self, key: str) -> bool:
        """Compare the text just read with *key*; escapes count as the characters they stand for."""
        plain = key.encode()
        if self.at - self.begun > 6 * len(plain) + 2:  # longer than with each byte as \u0000
            return False
        name = self.body[self.begun : self.at]
        if b"\\" not in name:
            return name[1:-1] == plain
        try:
            return bool(msgspec.json.decode(name) == key)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False

    def _next(self) -> bytes:
        return self.body[self.at : self.at + 1]

    def _expect(self, byte: bytes, what: str) -> None:
        if self._next() != byte:
            raise self._error(what)
        self.at += 1

    def _error(self, what: str) -> WireError:
        got = ascii(self._next().decode("latin-1")) if self.at < len(self.body) else "the end"
        return WireError(f"byte {self.at}", f"expected {what}, got {got}")


def _end(match: re.Match[bytes] | None) -> int:
    return match.end() if match else 0  # what is skipped may be empty, so there is always a match

"""Writing answers: few headers, one piece, no waiting for those who don't read."""

import asyncio
from contextlib import aclosing
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import web

from hub.http import Response
from hub.web.dialect import Dialect, header_lines
from hub.web.streaming import StreamedResponse

_OURS = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})
_SMALL = 64 * 1024
_EMPTY_STATUSES = frozenset({204, 304})


class Dates:
    """The ``Date`` header, written anew once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def line(self, now_us: int) -> str:
        """Return the header line for a moment in microseconds since 1970."""
        second = now_us // 1_000_000
        if second != self._second:
            self._second = second
            self._text = f"Date: {formatdate(second, usegmt=True)}\r\n"
        return self._text


class Reply(web.StreamResponse):
    """An answer that is written with one call, past aiohttp's header machinery.

    aiohttp's server asks of an answer ``prepare``, ``write_eof`` and ``keep_alive``; these three
    are all there is, and they cost a third of what ``web.Response`` does.
    """

    def __init__(  # the base class would make a dictionary of headers that nobody reads
        self, response: Response, dialect: Dialect, date: str, *, write_pause: float = 60.0
    ) -> None:
        status = response.status
        if response.body.__class__ is not bytes:
            raise TypeError(f"expected bytes as a body, got {type(response.body).__name__}")
        self._status = status
        self._keep_alive: bool | None = None
        self._write_pause = write_pause
        self._has_begun = False
        self._content = response.body
        self._chunks = response.chunks if isinstance(response, StreamedResponse) else None
        self._is_empty = status in _EMPTY_STATUSES
        if response.headers:
            self._opening = _opening_with(response, dialect)
        else:
            self._opening = _opening(status, response.content_type) + dialect.head
        self._date = date

    def close_after(self) -> None:
        """Close the connection once the answer is out."""
        self._keep_alive = False

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write the whole answer; aiohttp calls it."""
        if self._has_begun:
            return
        head = self._head(request, f"Content-Length: {len(self._content)}\r\n")
        await self._write(request, head if self._has_no_body(request) else head + self._content)

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: everything is written."""

    async def stream(self, request: web.BaseRequest) -> None:
        """Write an answer that comes in pieces.

        An error before the first piece is raised; after it, the connection is cut, so that nobody
        takes a part for the whole.
        """
        if self._chunks is None:
            return
        async with aclosing(self._chunks) as chunks:
            first = await anext(chunks, b"")
            is_chunked = request.version >= (1, 1)
            if not is_chunked:
                self.close_after()
            head = self._head(request, "Transfer-Encoding: chunked\r\n" if is_chunked else "")
            if self._has_no_body(request):
                await self._write(request, head)
                return
            await self._write(request, head + _framed(first, is_chunked=is_chunked))
            try:
                async for chunk in chunks:
                    await self._write(request, _framed(chunk, is_chunked=is_chunked))
                if is_chunked:
                    await self._write(request, b"0\r\n\r\n")
            except BaseException:
                self.close_after()
                if request.transport is not None:
                    request.transport.abort()
                raise

    @property
    def has_begun(self) -> bool:
        """Tell whether a part is on the wire, so that no other answer can be given."""
        return self._has_begun

    def _has_no_body(self, request: web.BaseRequest) -> bool:
        return self._is_empty or request.method == "HEAD"

    def _head(self, request: web.BaseRequest, length: str) -> bytes:
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        if not self._keep_alive:
            connection = "Connection: close\r\n"
        else:
            connection = "" if request.version >= (1, 1) else "Connection: keep-alive\r\n"
        if self._is_empty:
            length = ""
        return f"{self._opening}{length}{self._date}{connection}\r\n".encode("latin-1")

    async def _write(self, request: web.BaseRequest, data: bytes) -> None:
        self._has_begun = True
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the connection was lost")
        if len(data) < _SMALL and not transport.get_write_buffer_size():
            await request.writer.write(data)
            return
        timer = asyncio.get_running_loop().call_later(self._write_pause, transport.abort)
        try:
            await request.writer.write(data)
            await request.writer.drain()
        finally:
            timer.cancel()
        if transport.is_closing():
            raise ConnectionResetError("the connection was lost, or the answer not read in time")


def _framed(chunk: bytes, *, is_chunked: bool) -> bytes:
    if is_chunked and chunk:
        return b"%x\r\n%b\r\n" % (len(chunk), chunk)
    return chunk


@lru_cache(maxsize=256)
def _opening(status: int, content_type: str) -> str:
    if not 200 <= status <= 599:
        raise ValueError(f"expected a status from 200 to 599, got {status}")
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    kind = "" if status in _EMPTY_STATUSES else header_lines({"Content-Type": content_type})
    return f"HTTP/1.1 {status:d} {phrase}\r\n{kind}"


def _opening_with(response: Response, dialect: Dialect) -> str:
    own = {name.lower(): name for name in response.headers}
    if not _OURS.isdisjoint(own):
        names = ", ".join(sorted(_OURS & own.keys()))
        raise ValueError(f"header {names}: the server's own, a handler can't set it")
    content_type = response.content_type
    if "content-type" in own:
        content_type = response.headers[own["content-type"]]
    shared = {name: value for name, value in dialect.headers.items() if name.lower() not in own}
    rest = {n: v for n, v in response.headers.items() if n.lower() != "content-type"}
    return _opening(response.status, content_type) + header_lines({**shared, **rest})

"""Reading bodies within bounds: of bytes, of memory over all requests, and of time."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from hub.model import Quarantined
from hub.web.call import Call
from hub.web.dialect import RefusalError
from hub.web.gate import Gate
from hub.web.routing import Bound

# Only these go to the quarantine with a body: any other might carry a secret.
_KEPT_HEADERS = ("Content-Type", "User-Agent", "Charset")


class Spool(Protocol):
    """A body on its way to the quarantine, kept on disk."""

    async def write(self, chunk: bytes) -> None:
        """Append to the body.

        Raises:
            StorageError: It could not be written.
        """
        ...

    async def commit(self, item: Quarantined) -> int:
        """Put the body into the quarantine and return its number, once it is on disk.

        Raises:
            StorageError: It could not be written.
        """
        ...

    async def abort(self) -> None:
        """Throw the body away; harmless after a commit."""
        ...


class Spools(Protocol):
    """Where bodies go that are too large for memory."""

    def spool(self) -> Spool:
        """Begin a body."""
        ...


class BodyReader:
    """Reads the bodies of requests that are not in memory yet."""

    def __init__(self, gate: Gate, spools: Spools | None) -> None:
        self._gate = gate
        self._spools = spools
        self._spooling_count = 0

    async def read(
        self,
        call: Call,
        bound: Bound,
        principal: object = None,
    ) -> tuple[bytes, int | None]:
        """Return the body, or no body and the number under which it lies in the quarantine.

        Raises:
            RefusalError: The body is too large, too slow, malformed or cut off, or the hub holds
                too much.
            StorageError: It could not be put into the quarantine.
        """
        http, route = call.http, bound.route
        largest = max(route.body_limit, route.spool_limit if self._spools else 0)
        declared = http.content_length or 0
        if declared > largest:
            raise RefusalError(413, f"expected at most {largest} bytes, got {declared}")
        await _invite(http)
        chunks = _Chunks(http, self._gate)
        held: list[bytes] = []
        size = 0
        try:
            while chunk := await chunks.next():
                size += len(chunk)
                if size > route.body_limit:
                    spooled = self._spool(call, bound, [*held, chunk], chunks, principal)
                    return b"", await spooled
                self._gate.hold(len(chunk))
                held.append(chunk)
            return b"".join(held), None
        finally:
            self._gate.body_bytes -= sum(map(len, held))

    async def _spool(
        self,
        call: Call,
        bound: Bound,
        begun: list[bytes],
        chunks: "_Chunks",
        principal: object,
    ) -> int:
        route = bound.route
        size = sum(map(len, begun))
        if self._spools is None or size > route.spool_limit:
            raise RefusalError(413, f"expected at most {route.body_limit} bytes")
        if self._spooling_count >= self._gate.limits.spool_count:
            self._gate.counts.overload_count += 1
            raise RefusalError(503, "too many large bodies at once")
        self._spooling_count += 1
        try:
            spool = self._spools.spool()
            try:
                for chunk in begun:
                    await spool.write(chunk)
                while chunk := await chunks.next():
                    size += len(chunk)
                    if size > route.spool_limit:
                        raise RefusalError(413, f"expected at most {route.spool_limit} bytes")
                    await spool.write(chunk)
                return await spool.commit(_item(call, bound, size, principal))
            finally:
                await spool.abort()
        finally:
            self._spooling_count -= 1


class _Chunks:
    """The pieces of a body as they arrive, which must be soon enough."""

    def __init__(self, http: web.BaseRequest, gate: Gate) -> None:
        self._content = http.content
        self._counts = gate.counts
        self._rate = gate.limits.body_rate
        pause = gate.limits.body_pause.total_seconds()
        self._deadline = asyncio.get_running_loop().time() + pause

    async def next(self) -> bytes:
        """Wait for the next piece; nothing means that the body is complete."""
        try:
            async with asyncio.timeout_at(self._deadline):
                chunk = await self._content.readany()
        except TimeoutError:
            raise RefusalError(400, "the body did not arrive in time") from None
        except web.RequestPayloadError:
            raise RefusalError(400, "the body is malformed") from None
        except (OSError, RuntimeError):  # RuntimeError: aiohttp's word for a closed connection
            self._counts.disconnect_count += 1
            raise RefusalError(400, "the connection was lost") from None
        self._deadline += len(chunk) / self._rate
        return chunk


def _item(call: Call, bound: Bound, size: int, principal: object) -> Quarantined:
    headers: Mapping[str, str] = call.http.headers
    # A path with parameters may hold a token, and the quarantine is shown to people.
    path = bound.route.path if bound.names else call.path
    return Quarantined(
        plugin=bound.dialect.tally.owner,
        # As plugins write it, so that a replay finds both again; a user is no vendor's token.
        source=f"{principal} at {call.peer}" if isinstance(principal, str) else call.peer,
        reason=f"a body of {size} bytes, above the limit of {bound.route.body_limit}",
        raw=b"",
        route=f"{bound.route.method} {path}",
        headers={name: headers[name] for name in _KEPT_HEADERS if name in headers},
    )


async def _invite(http: web.BaseRequest) -> None:
    """Answer ``Expect: 100-continue``, now that the body is wanted (RFC 9110 10.1.1)."""
    if http.headers.get("Expect", "").lower() == "100-continue":
        await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        http.writer.output_size = 0  # it is not the answer yet

"""The HTTP client the hub offers where something has to send requests, as simulated gateways do."""

import datetime as dt
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

_LARGEST_ANSWER = 1024 * 1024


class HttpClient:
    """Sends requests over connections that it keeps open; use it as a context manager."""

    def __init__(self, *, timeout: dt.timedelta = dt.timedelta(seconds=30)) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Send *body* to *url* and return status and body of the answer; follow no redirect.

        An answer above 1 MiB is cut off.

        Raises:
            OSError: There was no answer, or none in time.
        """
        if self._session is None:
            raise RuntimeError("HttpClient: enter it with `async with` before the first request")
        try:
            async with self._session.post(
                url, data=body, headers=dict(headers), allow_redirects=False
            ) as reply:
                answer = bytearray()
                async for chunk in reply.content.iter_any():
                    answer += chunk
                    if len(answer) >= _LARGEST_ANSWER:
                        break
                return reply.status, bytes(answer[:_LARGEST_ANSWER])
        except TimeoutError as err:
            raise TimeoutError(f"{url}: no answer in time") from err
        except (aiohttp.ClientError, ValueError) as err:
            raise ConnectionError(f"{url}: {err}") from err

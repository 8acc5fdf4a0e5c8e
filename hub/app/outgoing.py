"""HTTP that automations send."""

import asyncio
import datetime as dt
from collections.abc import Mapping

from hub.errors import ActionError
from hub.web.client import HttpClient


class Outgoing:
    """One client for all, opened with the first request and closed with the hub."""

    def __init__(self) -> None:
        self._client: HttpClient | None = None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], limit: dt.timedelta
    ) -> tuple[int, bytes]:
        """Send *body* to *url*; return status and body of the answer.

        Raises:
            ActionError: There was no answer in time.
        """
        if self._client is None:
            self._client = await HttpClient(timeout=_LONGEST).__aenter__()
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await self._client.post(url, headers, body)
        except TimeoutError as err:
            raise ActionError(f"http.post: {url}: no answer within {limit}") from err
        except OSError as err:
            raise ActionError(f"http.post: {err}") from err

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.__aexit__(None, None, None)


_LONGEST = dt.timedelta(minutes=5)

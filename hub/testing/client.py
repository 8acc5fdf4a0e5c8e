"""A plain HTTP client for tests: one real connection for each request."""

import asyncio
import http.client
import json as json_module
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT = 20.0


class Reply:
    """What came back: status, headers (names in lower case) and body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:  # noqa: ANN401 - JSON is anything
        """Return what the body holds."""
        return json_module.loads(self.body)

    def __repr__(self) -> str:
        return f"<reply {self.status} {self.body[:200]!r}>"


class Client:
    """Sends requests to a hub. *token* is an API token; it goes along unless headers say otherwise.

    Vendors' routes have headers of their own: pass them with each request, or as *headers*.
    """

    def __init__(
        self, url: str, *, token: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.headers = dict(headers or {})
        if token is not None:
            self.headers.setdefault("Authorization", f"Bearer {token}")

    async def get(self, path: str, *, headers: Mapping[str, str | None] | None = None) -> Reply:
        """Send a GET."""
        return await self.request("GET", path, headers=headers)

    async def post(
        self,
        path: str,
        *,
        json: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Reply:
        """Send a POST with *json*, or with *body* as it is."""
        return await self.request("POST", path, json=json, body=body, headers=headers)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Reply:
        """Send any request. A header whose value is None is left out.

        Raises:
            OSError: There was no answer.
        """
        merged: dict[str, str | None] = {**self.headers, **(headers or {})}
        if body is None and json is not None:
            body = json_module.dumps(json).encode()
            merged.setdefault("Content-Type", "application/json")
        sent = {name: value for name, value in merged.items() if value is not None}
        return await asyncio.to_thread(self._send, method, path, body, sent)

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT)
        try:
            connection.request(method, path, body=body, headers={**headers, "Connection": "close"})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

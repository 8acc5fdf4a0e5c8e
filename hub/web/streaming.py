"""Answers that are made while they are sent."""

from collections.abc import AsyncGenerator

from hub.http import Response


class StreamedResponse(Response, frozen=True, kw_only=True):
    """A response whose body comes in pieces; ``body`` is not used.

    An error in the generator before its first piece gives an error page, a later one cuts the
    connection.
    """

    chunks: AsyncGenerator[bytes, None]

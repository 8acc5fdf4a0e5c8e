"""Answers that are made while they are sent."""

from collections.abc import AsyncGenerator

from attrs import field, frozen

from hub.http import Response


@frozen(kw_only=True)
class StreamedResponse(Response):
    """A response whose body comes in pieces; ``body`` is not used.

    An error in the generator before its first piece gives an error page, a later one cuts the
    connection.
    """

    chunks: AsyncGenerator[bytes, None] = field(eq=False)

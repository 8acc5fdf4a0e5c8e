"""How answers look in each part of the URL space, and what an error means in it."""

import re
from collections.abc import Callable, Mapping

from hub.errors import Forbidden, HubError, StorageError, StorageFull, Unauthorized, WireError
from hub.http import Problem, ProblemPage, Request, Response, json_response
from hub.web.counts import Tally

CORE = "hub"
"""The owner of the core's own routes and zones."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Visible text and blanks: no line end can smuggle in a header or a second answer (RFC 9110 5.5).
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class RefusalError(HubError):
    """A request that gets an error before its handler is asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(status, message)


class Dialect:
    """One owner's way to answer: error pages, headers, and which paths mean the same."""

    __slots__ = ("head", "headers", "normalise", "problem", "tally")

    def __init__(
        self,
        tally: Tally,
        problem: ProblemPage,
        headers: Mapping[str, str],
        normalise: Callable[[str], str] | None,
    ) -> None:
        self.tally = tally
        self.problem = problem
        self.headers = headers
        self.head = header_lines(headers)
        self.normalise = normalise


def header_lines(headers: Mapping[str, str]) -> str:
    """Write headers as they go on the wire.

    Raises:
        ValueError: A name or a value has characters that no header may have.
    """
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"header {name!r}: expected printable text, got {value[:60]!r}")
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()])


def core_problem(request: Request, problem: Problem) -> Response:
    """Answer as Home Assistant does: JSON with a ``message``."""
    headers = {}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="hub"'
    elif problem.status == 405:
        headers["Allow"] = ", ".join(problem.allowed)
    elif problem.status == 503:
        headers["Retry-After"] = "5"
    return json_response(problem.status, {"message": problem.message}, headers)


_STATUSES: tuple[tuple[type[HubError], int, str], ...] = (
    (Unauthorized, 401, ""),
    (Forbidden, 403, ""),
    (WireError, 400, ""),
    (StorageFull, 503, "the hub has no disk space left"),
    (StorageError, 503, "the hub can't store anything now"),
)


def problem_of(err: BaseException) -> Problem:
    """Say what an error means to the sender; what nobody foresaw is a plain 500."""
    if isinstance(err, RefusalError):
        return err.problem
    for kind, status, message in _STATUSES:
        if isinstance(err, kind):
            return Problem(status, message or str(err))
    return Problem(500, "the hub failed to answer; its log says why")

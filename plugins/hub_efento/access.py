"""Who a gateway is: its token, compared in constant time."""

import hmac
import ipaddress
from collections.abc import Hashable

from hub import Clock, Notice, PluginContext, Request, Unauthorized

WRONG_TOKEN = "wrong_token"  # noqa: S105 - the key of a notice
_TOKEN_HEADER = "X-Api-Token"  # noqa: S105 - the name of a header
_MOST_SOURCES = 1000
_QUIET = 60.0


class Once:
    """Says whether a source has been silent for a minute, for log lines that repeat."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: dict[Hashable, float] = {}

    def __call__(self, source: Hashable) -> bool:
        """Tell whether to speak about *source* now; if so, not again for a minute."""
        now = self._clock.monotonic()
        last = self._said.pop(source, None)
        if last is not None and now - last < _QUIET:
            self._said[source] = last
            return False
        if len(self._said) >= _MOST_SOURCES:
            del self._said[next(iter(self._said))]
        self._said[source] = now
        return True

    def forget(self, source: Hashable) -> None:
        """Speak about *source* at once when it comes up again."""
        self._said.pop(source, None)


class Gate:
    """Lets gateways in by the configured tokens; call it with a request."""

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx
        self._tokens = [(t.name, t.token.reveal().encode()) for t in ctx.config.tokens]
        self._headers = [_TOKEN_HEADER]
        if ctx.config.header is not None:
            self._headers.append(ctx.config.header)
        self._once = Once(ctx.clock)
        self._refused: dict[str, None] = {}

    def __call__(self, request: Request) -> str | None:
        """Return the name of the token a request carries; None if it needs none.

        Raises:
            Unauthorized: It carries none, or a wrong one.
        """
        is_given = False
        for header in self._headers:
            value = request.headers.get(header)
            if value:
                is_given = True
                name = self._find(value)
                if name is not None:
                    if self._refused:
                        self._welcome(request.peer)
                    return name
        if not is_given and self._ctx.config.open and _is_private(request.peer):
            return None
        raise self._refusal(request, is_given=is_given)

    def _find(self, value: str) -> str | None:
        given = value.strip().removeprefix("Bearer ").encode(errors="surrogateescape")
        found = None
        for name, token in self._tokens:  # all of them, so that time tells nothing
            if hmac.compare_digest(token, given):
                found = name
        return found

    def _refusal(self, request: Request, *, is_given: bool) -> Unauthorized:
        ctx = self._ctx
        ctx.count("unauthorized")
        if not self._tokens:
            problem = "no token is configured: add one under efento.tokens in hub.yaml"
        elif is_given:
            problem = "its token is not among efento.tokens in hub.yaml"
        else:
            problem = f"it sent no token in {' or '.join(self._headers)}"
        if self._once(request.peer):
            ctx.log.warning("gateway refused source=%s: %s", request.peer, problem)
            if len(self._refused) < _MOST_SOURCES:
                self._refused[request.peer] = None
            ctx.notice(
                Notice(
                    key=WRONG_TOKEN,
                    title="An Efento gateway is refused",
                    message=f"The gateway at {request.peer} is refused: {problem}. It keeps its "
                    "measurements and sends them again, so nothing is lost once this is right.",
                )
            )
        return Unauthorized("wrong or missing token")

    def _welcome(self, peer: str) -> None:
        if peer in self._refused:
            del self._refused[peer]
            self._once.forget(peer)
            if not self._refused:
                self._ctx.clear_notice(WRONG_TOKEN)


def _is_private(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_private)

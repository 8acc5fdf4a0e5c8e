"""Text that nobody sees by accident."""

import hmac

REDACTED = "**REDACTED**"


class Secret:
    """A secret text: shown as ``**REDACTED**`` wherever it is printed, logged or formatted."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = str.__str__(text)

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def matches(self, text: str) -> bool:
        """Compare with what somebody sent, in a time that tells nothing about the secret."""
        return hmac.compare_digest(
            self._text.encode(errors="surrogatepass"), text.encode(errors="surrogatepass")
        )

    def __eq__(self, other: object) -> bool:
        return self.matches(other.reveal()) if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __str__(self) -> str:
        return REDACTED

    def __repr__(self) -> str:
        return REDACTED

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not pickled: pass it on as it is")

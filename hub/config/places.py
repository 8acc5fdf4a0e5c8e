"""Where in the configuration a value stands, and how it is shown in an error."""

from collections.abc import Hashable, Mapping
from difflib import get_close_matches
from pathlib import Path

from attrs import evolve, frozen

from hub.config.nodes import Mark, Node, child_mark
from hub.config.secret import REDACTED
from hub.errors import ConfigError

_SHOWN_CHARACTERS = 40

MAX_ERRORS = 200
"""After how many errors no more are gathered."""


class Failed:
    """Stands for a value that could not be read; why is noted with the errors."""


FAILED = Failed()


@frozen
class Place:
    """A value's path and mark, with the list that gathers the errors of this reading.

    *folder* is what relative paths start from.
    """

    path: str
    mark: Mark
    errors: list[ConfigError]
    folder: Path | None = None
    is_secret: bool = False

    @property
    def is_full(self) -> bool:
        """Whether so much is wrong that nobody reads on."""
        return len(self.errors) >= MAX_ERRORS

    def key(self, parent: Node, key: Hashable) -> "Place":
        """Return the place of what *parent* has under *key*."""
        name = "".join(c if c.isprintable() else "?" for c in str(key)[:_SHOWN_CHARACTERS])
        path = f"{self.path}.{name}" if self.path else name
        return evolve(self, path=path, mark=child_mark(parent, key, self.mark))

    def item(self, parent: Node, index: int) -> "Place":
        """Return the place of the item number *index* of *parent*."""
        mark = child_mark(parent, index, self.mark)
        return evolve(self, path=f"{self.path}[{index}]", mark=mark)

    def fail(self, problem: str) -> Failed:
        """Note what is wrong here."""
        if not self.is_full:
            mark = self.mark
            self.errors.append(ConfigError(mark.file, mark.line or None, self.path, problem))
        return FAILED

    def expected(self, expectation: str, got: object) -> Failed:
        """Note that something else was expected here."""
        return self.fail(f"expected {expectation}, got {self.shown(got)}")

    def shown(self, value: object) -> str:
        """Describe *value* in a few words, as YAML writes it, without giving away a secret."""
        # A number that stands where a secret text belongs is shown: it is refused, so it opens
        # nothing, and the user has to find it. What came by !secret or !env_var is never shown.
        is_hidden = self.mark.is_secret or (self.is_secret and isinstance(value, str))
        return REDACTED if is_hidden and value is not None else _shown(value)


def hint(name: str, candidates: Mapping[str, object] | frozenset[str]) -> str:
    """Return ``, did you mean "..."?`` if one of *candidates* is close to *name*, else nothing."""
    close = get_close_matches(name[:_SHOWN_CHARACTERS], list(candidates), n=1)
    return f', did you mean "{close[0]}"?' if close else ""


def _shown(value: object) -> str:
    match value:
        case None | True | False:
            return {None: "nothing", True: "true", False: "false"}[value]
        case int() if value.bit_length() > 128:  # Python refuses to print very long integers
            return "a very large number"
        case str() if len(value) > _SHOWN_CHARACTERS:
            return repr(f"{value[:_SHOWN_CHARACTERS]}...")
        case str():
            return repr(str.__str__(value))
        case Mapping() | list():
            return "a mapping" if isinstance(value, Mapping) else "a list"
        case _:
            return str(value)

"""The variables of a run, in scopes that see those around them."""

from collections.abc import Iterator, Mapping
from typing import Any

_MISSING = object()


class Scope(Mapping[str, Any]):
    """Variables of a run, or of a part of it.

    An assignment goes to the scope that has the name, and to the run's own if none has: what a
    branch sets is seen after it. Names in *private* stay here.
    """

    __slots__ = ("_names", "_outer", "_private")

    def __init__(
        self,
        names: dict[str, Any] | None = None,
        outer: "Scope | None" = None,
        private: frozenset[str] = frozenset(),
    ) -> None:
        self._names = {} if names is None else names
        self._outer = outer
        self._private = private

    def assign(self, name: str, value: object) -> None:
        """Set a variable where it lives."""
        scope = self
        while name not in scope._names and name not in scope._private:
            if scope._outer is None:
                break
            scope = scope._outer
        scope._names[name] = value  # noqa: SLF001 - a scope is made of scopes

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - variables are anything
        """Return a variable, or *default*."""
        value = self._names.get(key, _MISSING)
        if value is not _MISSING:
            return value
        return default if self._outer is None else self._outer.get(key, default)

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401
        value = self.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        yield from self._names
        if self._outer is not None:
            yield from (name for name in self._outer if name not in self._names)

    def __len__(self) -> int:
        return sum(1 for _ in self)

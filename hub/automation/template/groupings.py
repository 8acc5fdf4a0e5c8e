"""Lists, sets and mappings in templates."""

import copy
import random
from collections.abc import Iterable, Mapping, MutableSequence
from typing import Any

from hub.automation.template.limits import Budget
from hub.automation.template.rendering import Names

_DEEPEST = 100


class Groupings:
    """Functions that make lists, sets and mappings out of others."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def both(self) -> Names:
        """Return what is function and filter."""
        return {
            "combine": self.combine,
            "difference": self.difference,
            "flatten": self.flatten,
            "intersect": self.intersect,
            "set": self.to_set,
            "shuffle": self.shuffle,
            "symmetric_difference": self.symmetric_difference,
            "tuple": self.to_tuple,
            "union": self.union,
        }

    def names(self) -> Names:
        """Return the functions, by the names templates use."""
        return {**self.both(), "merge_response": merge_response, "zip": self.zip}

    def _items(self, value: Any) -> Any:  # noqa: ANN401
        return self._budget.counted(value)

    def to_set(self, value: Iterable[Any]) -> set[Any]:
        """Make a set."""
        return set(self._items(value))

    def to_tuple(self, value: Iterable[Any]) -> tuple[Any, ...]:
        """Make a tuple."""
        return tuple(self._items(value))

    def zip(self, *args: Iterable[Any]) -> Any:  # noqa: ANN401
        """Pair the items of several lists, as many as the shortest has."""
        return zip(*[self._items(arg) for arg in args], strict=False)

    def flatten(self, value: Any, levels: int | None = None) -> list[Any]:  # noqa: ANN401
        """Make one list of a list of lists."""
        return self._flatten(value, _DEEPEST if levels is None else levels)

    def _flatten(self, value: Any, levels: int) -> list[Any]:  # noqa: ANN401
        if not isinstance(value, Iterable) or isinstance(value, str):
            raise TypeError(f"flatten expected a list, got {type(value).__name__}")
        flat: list[Any] = []
        for item in self._items(value):
            self._budget.step()
            if isinstance(item, Iterable) and not isinstance(item, str) and levels > 0:
                flat.extend(self._flatten(item, levels - 1))
            else:
                flat.append(item)
        return flat

    def _pair(self, name: str, first: Any, second: Any) -> tuple[set[Any], set[Any]]:  # noqa: ANN401
        for value in (first, second):
            if not isinstance(value, Iterable) or isinstance(value, str):
                raise TypeError(f"{name} expected a list, got {type(value).__name__}")
        return set(self._items(first)), set(self._items(second))

    def intersect(self, value: Any, other: Any) -> list[Any]:  # noqa: ANN401
        """Return what is in both."""
        first, second = self._pair("intersect", value, other)
        return list(first & second)

    def difference(self, value: Any, other: Any) -> list[Any]:  # noqa: ANN401
        """Return what is only in the first."""
        first, second = self._pair("difference", value, other)
        return list(first - second)

    def union(self, value: Any, other: Any) -> list[Any]:  # noqa: ANN401
        """Return what is in either."""
        first, second = self._pair("union", value, other)
        return list(first | second)

    def symmetric_difference(self, value: Any, other: Any) -> list[Any]:  # noqa: ANN401
        """Return what is in one but not in both."""
        first, second = self._pair("symmetric_difference", value, other)
        return list(first ^ second)

    def combine(self, *args: Any, recursive: bool = False) -> dict[Any, Any]:  # noqa: ANN401
        """Merge mappings; later ones win."""
        if not args:
            raise TypeError("combine expected at least 1 argument, got 0")
        merged: dict[Any, Any] = {}
        for arg in args:
            if not isinstance(arg, Mapping):
                raise TypeError(f"combine expected a dict, got {type(arg).__name__}")
            self._items(arg if isinstance(arg, dict) else dict(arg))
            merged = self._merged(merged, arg, _DEEPEST) if recursive else {**merged, **arg}
        self._budget.hold(merged)
        return merged

    def _merged(self, old: Any, new: Any, levels: int) -> dict[Any, Any]:  # noqa: ANN401
        result = dict(old)
        for key, value in new.items():
            self._budget.step()
            former = result.get(key)
            is_deep = isinstance(former, Mapping) and isinstance(value, Mapping) and levels > 0
            result[key] = self._merged(former, value, levels - 1) if is_deep else value
        return result

    def shuffle(self, *args: Any, seed: Any = None) -> MutableSequence[Any]:  # noqa: ANN401
        """Mix a list, always in the same way for the same seed."""
        if not args:
            raise TypeError("shuffle expected at least 1 argument, got 0")
        items: Any = args
        if isinstance(args[0], Iterable) and not isinstance(args[0], str):
            items = args[0]
            seed = args[1] if len(args) > 1 and seed is None else seed
        elif len(args) == 1:
            raise TypeError(f"'{type(args[0]).__name__}' object is not iterable")
        mixed = list(self._items(items))
        random.Random(seed or None).shuffle(mixed)  # noqa: S311 - no secret is made of it
        return mixed


def merge_response(value: Any) -> list[Any]:  # noqa: ANN401 - what an action answered
    """Make one list of an action's answers, one per entity."""
    if not isinstance(value, dict):
        raise TypeError("Response is not a dictionary")
    merged: list[Any] = []
    for entity_id, answer in copy.deepcopy(value).items():
        if not isinstance(answer, dict):
            raise TypeError("Response is not a dictionary")
        parts = list(answer.items())
        if len(parts) == 1 and isinstance(parts[0][1], list):
            key, items = parts[0]
            for item in items:
                if isinstance(item, dict):
                    _name(item, entity_id)
                    item["value_key"] = key
            merged.extend(items)
        else:
            _name(answer, entity_id)
            merged.append(answer)
    return merged


def _name(answer: dict[Any, Any], entity_id: object) -> None:
    if "entity_id" in answer:
        raise ValueError("Response dictionary already contains key 'entity_id'")
    answer["entity_id"] = entity_id


def is_list(value: object) -> bool:
    """Tell whether it is a list."""
    return isinstance(value, list)


def is_set(value: object) -> bool:
    """Tell whether it is a set."""
    return isinstance(value, set)


def is_tuple(value: object) -> bool:
    """Tell whether it is a tuple."""
    return isinstance(value, tuple)


TESTS: dict[str, Any] = {"list": is_list, "set": is_set, "tuple": is_tuple}

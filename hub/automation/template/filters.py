"""Jinja's own filters, counted against the budget of the render under way."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import filters as jinja_filters
from jinja2 import pass_environment
from jinja2.environment import Environment

from hub.automation.template.guards import check_percent
from hub.automation.template.limits import Budget
from hub.errors import TemplateError

_COUNTED = [
    "dictsort",
    "first",
    "groupby",
    "items",
    "last",
    "list",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "select",
    "selectattr",
    "sort",
    "unique",
    "wordcount",
]
_SLOW = ("capitalize", "striptags", "title", "wordwrap")
_LONGEST_SLOW = 16_384
_MAX_MARGIN = 1000


def counted_filters(budget: Budget) -> dict[str, Callable[..., Any]]:
    """Return the filters that replace Jinja's own."""
    found: dict[str, Callable[..., Any]] = {}
    for name in _COUNTED:
        found[name] = _counted(budget, jinja_filters.FILTERS[name])
    for name in _SLOW:
        found[name] = _shortened(name, jinja_filters.FILTERS[name])
    for name, limited in _SPECIAL.items():
        found[name] = functools.partial(limited, budget)
    for name, special in (("join", _join), ("sum", _sum)):
        found[name] = pass_environment(_bound(special, budget))
    for name in ("tojson", "truncate", "xmlattr"):
        found[name] = _held(budget, jinja_filters.FILTERS[name])
    return found


def _position(plain: Callable[..., Any]) -> int:
    # Jinja marks the functions that want the environment or a context before the value.
    return 1 if hasattr(plain, "jinja_pass_arg") else 0


def _shortened(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    position = _position(plain)

    @functools.wraps(plain)
    def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any filter
        if len(args) > position and len(str(args[position])) > _LONGEST_SLOW:
            raise TemplateError(f"{name}: expected at most {_LONGEST_SLOW} characters")
        return plain(*args, **kwargs)

    return guarded


def _counted(budget: Budget, plain: Callable[..., Any]) -> Callable[..., Any]:
    position = _position(plain)

    @functools.wraps(plain)
    def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any filter
        if len(args) > position:
            value = budget.counted(args[position])
            args = (*args[:position], value, *args[position + 1 :])
        return plain(*args, **kwargs)

    return guarded


def _held(budget: Budget, plain: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(plain)
    def guarded(first: Any, value: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        budget.hold(value)
        return plain(first, value, *args, **kwargs)

    return guarded


def _bound(special: Callable[..., Any], budget: Budget) -> Callable[..., Any]:
    def bound(environment: Environment, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return special(budget, environment, *args, **kwargs)

    return bound


def _join(
    budget: Budget,
    environment: Environment,
    value: Iterable[Any],
    d: Any = "",  # noqa: ANN401 - anything is made text
    attribute: str | int | None = None,
) -> str:
    items = budget.counted(value)
    if attribute is not None:
        items = map(jinja_filters.make_attrgetter(environment, attribute), items)
    glue = str(d)
    texts = []
    for item in items:
        if not isinstance(item, str):
            budget.hold(item)
        text = str(item)
        budget.grow(len(text) + len(glue))
        texts.append(text)
    return glue.join(texts)


def _sum(
    budget: Budget,
    environment: Environment,
    iterable: Iterable[Any],
    attribute: str | int | None = None,
    start: Any = 0,  # noqa: ANN401 - numbers, or lists
) -> Any:  # noqa: ANN401
    items = budget.counted(iterable)
    if attribute is not None:
        items = map(jinja_filters.make_attrgetter(environment, attribute), items)
    if isinstance(start, int | float):
        return sum(items, start)
    total = start
    for item in items:
        budget.hold(total)
        total = total + item
    return total


def _small(number: int, what: str) -> None:
    if abs(number) > _MAX_MARGIN:
        raise TemplateError(f"{what}: expected at most {_MAX_MARGIN}, got {number}")


def _center(budget: Budget, value: str, width: int = 80) -> str:
    budget.grow(max(len(str(value)), width))
    return jinja_filters.do_center(value, width)


def _indent(
    budget: Budget,
    s: str,
    width: int | str = 4,
    first: bool = False,
    blank: bool = False,
) -> str:
    margin = width if isinstance(width, int) else len(width)
    _small(margin, "indent")
    text = str(s)
    budget.grow(len(text) + (text.count("\n") + 1) * abs(margin))
    return jinja_filters.do_indent(text, width, first, blank)


def _replace(
    budget: Budget,
    s: Any,  # noqa: ANN401 - anything is made text
    old: Any,  # noqa: ANN401
    new: Any,  # noqa: ANN401
    count: int | None = None,
) -> str:
    text, wanted, other = str(s), str(old), str(new)
    budget.grow(len(text) + text.count(wanted) * len(other))
    return text.replace(wanted, other, -1 if count is None else count)


def _format(budget: Budget, value: Any, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401
    check_percent(budget, str(value), kwargs or args)
    return jinja_filters.do_format(value, *args, **kwargs)


def _batch(budget: Budget, value: Any, linecount: int, fill_with: Any = None) -> Any:  # noqa: ANN401
    if fill_with is not None:
        budget.grow(linecount)
    return jinja_filters.do_batch(budget.counted(value), linecount, fill_with)


def _slice(budget: Budget, value: Any, slices: int, fill_with: Any = None) -> Any:  # noqa: ANN401
    budget.grow(slices)
    return jinja_filters.sync_do_slice(budget.counted(value), slices, fill_with)


def _urlize(budget: Budget, value: Any, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401
    raise TemplateError("urlize: templates here print text, not HTML")


def _printed(budget: Budget, value: Any, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401
    budget.hold(value)
    return jinja_filters.do_pprint(value)


def _string(budget: Budget, value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        budget.hold(value)
    return str(value)


_SPECIAL: dict[str, Callable[..., Any]] = {
    "batch": _batch,
    "center": _center,
    "format": _format,
    "indent": _indent,
    "pprint": _printed,
    "replace": _replace,
    "slice": _slice,
    "string": _string,
    "urlize": _urlize,
}

"""How readings become one half of a roll-up, and how the halves become what is shown.

A half is n, sum, min, max. One that counts nothing holds NULL, and one that counts a single
reading has it in sum alone (see `schema`).
"""

# total() where a sum of integers could overflow.
HALF = """
count(num),
CASE count(num) WHEN 0 THEN NULL WHEN 1 THEN min(num) ELSE total(num) END,
CASE WHEN count(num) > 1 THEN min(num) END,
CASE WHEN count(num) > 1 THEN max(num) END
"""
"""The four columns of a half, from rows of readings."""


def _joined(prefix: str) -> str:
    n, amount = f"sum({prefix}n)", f"total({prefix}sum)"
    low = f"min(coalesce({prefix}min, {prefix}sum))"
    high = f"max(coalesce({prefix}max, {prefix}sum))"
    return f"""
{n},
CASE {n} WHEN 0 THEN NULL WHEN 1 THEN {low} ELSE {amount} END,
CASE WHEN {n} > 1 THEN {low} END,
CASE WHEN {n} > 1 THEN {high} END
"""


DAY_OF_HOURS = f"{_joined('')}, {_joined('base_')}"
"""Both halves of a day, from the rows of its hours."""

_LIVE_LOW, _LIVE_HIGH = "coalesce(min, sum)", "coalesce(max, sum)"
_BASE_LOW, _BASE_HIGH = "coalesce(base_min, base_sum)", "coalesce(base_max, base_sum)"
SHOWN = f"""
n + base_n,
min(coalesce({_LIVE_LOW}, {_BASE_LOW}), coalesce({_BASE_LOW}, {_LIVE_LOW})),
(coalesce(sum, 0) + coalesce(base_sum, 0)) / CAST(n + base_n AS REAL),
max(coalesce({_LIVE_HIGH}, {_BASE_HIGH}), coalesce({_BASE_HIGH}, {_LIVE_HIGH}))
"""
"""Count, minimum, mean and maximum of both halves together, from one row that counts anything."""

BASE_ADDED = """
base_min = min(coalesce(base_min, base_sum, excluded.base_min, excluded.base_sum),
    coalesce(excluded.base_min, excluded.base_sum)),
base_max = max(coalesce(base_max, base_sum, excluded.base_max, excluded.base_sum),
    coalesce(excluded.base_max, excluded.base_sum)),
base_sum = coalesce(base_sum, 0) + excluded.base_sum,
base_n = base_n + excluded.base_n
"""
"""What adding a half to the base of a row sets; in an update all right sides are old values."""

"""No statement that runs often may walk a whole table."""

import pytest

from hub.storage import history, latest, purge, rollups, transaction

SPAN = (1, 2, 3)
STATEMENTS = {
    "hours": (rollups._HOURS.format(values="(?,?),(?,?)"), (*SPAN, 4)),
    "days": (rollups._DAYS.format(values="(?,?),(?,?)"), (*SPAN, 4)),
    "unmark": (rollups._UNMARK.format(values="(?,?),(?,?)"), (*SPAN, 4)),
    "edges": (purge._EDGES, (*SPAN, 4)),
    "delete": (purge._DELETE, (*SPAN, 4)),
    "to base": (purge._TO_BASE, (*SPAN, 4)),
    "live": (purge._LIVE, SPAN),
    "purged days": (purge._DAYS, SPAN),
    "bound": (purge._BOUND, (*SPAN, 4)),
    "candidates": (purge._CANDIDATES, {"cutoff": 1, "edge": 2, "future": 3}),
    "oldest": (purge._OLDEST, ()),
    "find": (transaction._FIND[2], (None,) * 8),
    "buckets": (
        history._BUCKETS,
        {"series": 1, "start": 0, "end": 9, "width": 1, "first_hour": 0},
    ),
    "newer": (latest._NEWER, ()),
    "same moment": (latest._SAME_MOMENT, ()),
    "unknown": (latest._UNKNOWN, ()),
}
TABLES = ("readings", "rollup_hour", "rollup_day", "dirty", "stored", "later", "r")


@pytest.mark.parametrize("name", STATEMENTS)
async def test_only_keys_are_used(store, name):
    text, parameters = STATEMENTS[name]
    plan = await store.writer.run(
        lambda c: [row[3] for row in c.execute(f"EXPLAIN QUERY PLAN {text}", parameters)]
    )

    assert plan
    for step in plan:
        words = step.split()
        assert not (words[0] == "SCAN" and words[1] in TABLES), plan

"""Every recorded scenario that the engine plays as Home Assistant does, traces included."""

import json
from pathlib import Path

import pytest

ROWS = json.loads((Path(__file__).parents[1] / "data" / "automations.json").read_text("utf-8"))


def steps(runs):
    return {
        entity_id: [(run["execution"], run["last_step"], run["paths"]) for run in found]
        for entity_id, found in runs.items()
    }


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
async def test_a_scenario_ends_as_it_was_recorded(row, lab_class, difference):
    answer = await lab_class(row["case"]).run()

    assert difference(row["expected"], answer) is None
    assert steps(answer["runs"]) == steps(row["expected"]["runs"])

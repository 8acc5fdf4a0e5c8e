"""``make bench``: measure every goal that exists so far and print the table."""

import argparse
import asyncio
import datetime as dt
import gc
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import anchors, inprocess, program
from tests.benchmarks.figures import HEAD, Figure, Report, machine, median
from tests.benchmarks.load import READINGS_A_MESSAGE

RECORDED = "recorded figure: not installed here"


def http_goals(folder: Path, rounds: int, seconds: float) -> Iterator[Figure]:
    """Goals 1 to 4 and 7: durable ingest over HTTP beside a bare server."""
    program.write_config(folder)
    ratios: dict[int, list[float]] = {16: [], 64: []}
    ours: dict[int, list[dict[str, float]]] = {16: [], 64: [], 1: []}
    per_sync: list[float] = []
    row_ratios: list[float] = []
    with program.bare() as bare, program.hub(folder) as hub:
        loads = {connections: program.Load(connections) for connections in (1, 16, 64)}
        for load in loads.values():
            load.warm_up(hub.port)
        for _ in range(rounds):
            for connections in (16, 64):
                anchor = program.Load(connections).run(bare, seconds)
                found = loads[connections].run(hub.port, seconds)
                ours[connections].append(found)
                ratios[connections].append(found["rate"] / anchor["rate"])
            syncs = anchors.sync_rate(folder)
            single = anchors.single_row_rate(folder)
            found = loads[1].run(hub.port, seconds)
            ours[1].append(found)
            per_sync.append(found["rate"] / syncs)
            row_ratios.append(ours[64][-1]["rate"] * READINGS_A_MESSAGE / single)
    for connections in (16, 64):
        yield Figure(
            goal="1", what=f"durable HTTP ingest, {connections} connections / bare aiohttp + json",
            found=median(ratios[connections]), must=0.35, aim=0.5,
            anchor=f"ours {median(r['rate'] for r in ours[connections]):,.0f} requests/s",
        )  # fmt: skip
    yield Figure(
        goal="2", what="1 connection, requests / fdatasync", found=median(per_sync),
        must=0.25, aim=0.4, anchor=f"ours {median(r['rate'] for r in ours[1]):,.0f} requests/s",
    )  # fmt: skip
    best = median(r["rate"] for r in ours[16])
    for name, must, aim in (
        ("Node-RED file flow", 2, 3),
        ("HA webhook automation", 2, 2.5),
        ("HA POST states with recorder", 3, 5),
    ):
        yield Figure(
            goal="3", what=f"durable HTTP ingest / {name}", found=best / anchors.RECORDED[name],
            must=must, aim=aim, anchor=RECORDED,
        )  # fmt: skip
    p50, p99 = (median(r[p] for r in ours[64]) for p in ("p50", "p99"))
    yield Figure(
        goal="4", what="p99 / p50, 64 connections", found=p99 / p50, must=3, aim=2, is_most=True
    )
    yield Figure(
        goal="4", what="p99, 64 connections", found=p99 * 1000, must=25, aim=12, is_most=True,
        unit="ms",
    )  # fmt: skip
    yield Figure(
        goal="7", what="readings/s over HTTP / SQLite with one row a commit",
        found=median(row_ratios), must=8, aim=12,
    )  # fmt: skip


async def commit_goal(folder: Path) -> Figure:
    """Goal 7: commits for each 1,000 requests, 64 under way at a time."""
    _, core = await inprocess.ingest_rate(folder, 320, rounds=1)
    before = core.store.writer.counters.commit_count
    infos = inprocess.devices(320)
    base = core.clock.now()
    turns = 100
    for number in range(turns):
        at = base + dt.timedelta(microseconds=number)
        await inprocess.one_round(core, infos, 5, at, under_way=64)
    commits = core.store.writer.counters.commit_count - before
    await core.close()
    return Figure(
        goal="7", what="commits per 1,000 requests, 64 at a time",
        found=commits / (turns * len(infos)) * 1000, must=100, aim=40, is_most=True,
    )  # fmt: skip


def bus_goals(rounds: int) -> Iterator[Figure]:
    """Goals 8 and 9."""
    for listeners in (1, 10, 100):
        name = f"HA fire, {listeners} listener" + ("s" if listeners > 1 else "")
        found = median(inprocess.bus_rate(listeners) for _ in range(rounds))
        yield Figure(
            goal="8", what=f"bus events/s, {listeners} listener(s) / HA",
            found=found / anchors.RECORDED[name], must=2, aim=3,
            anchor=f"ours {found:,.0f}/s; {RECORDED}",
        )  # fmt: skip
    found = median(inprocess.state_rate() for _ in range(rounds))
    yield Figure(
        goal="9", what="state changes/s / HA", found=found / anchors.RECORDED["HA state changes/s"],
        must=3, aim=8, anchor=f"ours {found:,.0f}/s; {RECORDED}",
    )  # fmt: skip


async def ingest_goals(folder: Path) -> list[Figure]:
    """Goals 5, 6 and the flatness of a reading's cost; the large folder stays for goal 14."""
    rates: dict[int, float] = {}
    memory = 0.0
    for count in (100, 10_000, 100_000):
        place = folder / f"entities-{count}"
        place.mkdir()
        before = inprocess.resident_bytes()
        rates[count], core = await inprocess.ingest_rate(
            place, count, rounds=max(3, 30_000 // count)
        )
        memory = inprocess.resident_bytes() - before
        await core.close()
        gc.unfreeze()
        gc.set_threshold(700, 10, 10)
    figures = [
        Figure(
            goal="5", what="readings durable in-process / HA recorder states",
            found=rates[10_000] / anchors.RECORDED["HA recorder states/s"], must=8, aim=15,
            anchor=f"ours {rates[10_000]:,.0f}/s; {RECORDED}",
        ),
        Figure(
            goal="5", what="cost of a reading, 100,000 entities / 100",
            found=rates[100] / rates[100_000], must=1.3, aim=1.1, is_most=True,
            anchor=f"{rates[100]:,.0f} and {rates[100_000]:,.0f} readings/s",
        ),
        Figure(
            goal="13", what="memory an entity at 100,000", found=memory / 100_000 / 1024,
            must=1.5, aim=0.8, is_most=True, unit="KiB",
            anchor="growth of the process, caches of SQLite included",
        ),
    ]  # fmt: skip
    place = folder / "bytes"
    place.mkdir()
    figures.append(
        Figure(
            goal="6",
            what="bytes on disk a reading",
            found=await inprocess.bytes_a_reading(place),
            must=80,
            aim=50,
            is_most=True,
            unit="B",
        )
    )
    return figures


def start_goals(folder: Path, rounds: int) -> Iterator[Figure]:
    """Goals 13 and 14: memory when idle, and the time to the first 201."""
    times: list[float] = []
    idle: list[float] = []
    for number in range(rounds):
        place = folder / f"empty-{number}"
        program.write_config(place)
        began = time.perf_counter()
        with program.hub(place) as hub:
            program.first_answer(hub.port)
            times.append(time.perf_counter() - began)
            time.sleep(1)
            idle.append(hub.resident_mib())
    yield Figure(
        goal="14", what="start to first 201, empty", found=median(times), must=1, aim=0.6,
        is_most=True, unit="s",
    )  # fmt: skip
    yield Figure(
        goal="13", what="memory when idle", found=median(idle), must=80, aim=60, is_most=True,
        unit="MiB",
    )  # fmt: skip
    large = folder / "entities-100000"
    program.write_config(large)
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        with program.hub(large) as hub:
            program.first_answer(hub.port)
            times.append(time.perf_counter() - began)
    yield Figure(
        goal="14", what="start to first 201, 100,000 entities", found=median(times), must=4, aim=3,
        is_most=True, unit="s",
    )  # fmt: skip


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default="", help="http, bus, ingest or start")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    report = Report()
    folder = Path(tempfile.mkdtemp(prefix="hub-bench-"))
    print(f"{machine()}\n\n{HEAD}", flush=True)

    def wanted(name: str) -> bool:
        return options.only in {"", name}

    try:
        if wanted("bus"):
            report.add(bus_goals(options.rounds))
        if wanted("ingest") or wanted("start"):
            report.add(asyncio.run(ingest_goals(folder)))
        if wanted("http"):
            place = folder / "commits"
            place.mkdir()
            report.add([asyncio.run(commit_goal(place))])
            report.add(http_goals(folder / "http", options.rounds, options.seconds))
        if wanted("start"):
            report.add(start_goals(folder, options.rounds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.output:
        from tests.benchmarks.figures import row

        rows = "\n".join(row(figure) for figure in report.figures)
        options.output.write_text(f"{machine()}\n\n{HEAD}\n{rows}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

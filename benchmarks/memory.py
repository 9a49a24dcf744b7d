"""The memory: scanning and checking a store of 5,000 finished runs, replaying runs into MLflow, writing a journal."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.equipment.duel import spread
from benchmarks.equipment.homes import pretend
from benchmarks.equipment.peers import MINI, ours
from benchmarks.equipment.result import Line
from mae_core.recipes import BASELINE, FINETUNE
from mae_core.signature import Stage
from mae_core.store.journal import NAME, Journal
from mae_core.store.provenance import provenance
from mae_core.store.run import Store
from mae_core.store.upkeep.inventory import inventory
from mae_core.tracking.environment import ENVIRONMENT
from mae_core.tracking.survey import nothing_to_do

RUNS, REPLAYED, POINTS = 5000, 200, 50
ROWS = 2000  # of journal, for its cost
REPEATS = 3
SCAN_SECONDS, RUNS_A_SECOND, SHARE = 3.0, 20.0, 0.01  # the bars

# what a writer does, without its start
REPLAY = """
import sys, time
from pathlib import Path
from mae_core.tracking.destination import Destination
from mae_core.tracking.writer import Writer
writer = Writer(Destination.of(Path(sys.argv[1])))
wall, processor = time.perf_counter(), time.process_time()
print(writer.catch_up().replayed, time.perf_counter() - wall, time.process_time() - processor)
"""


def lines() -> Iterator[Line]:
    """How many times better than its bar each is; the measured value stands beside."""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        home = Path(folder)
        fill(home, RUNS)
        yield _seconds("store scanned, states and numbers", lambda: [(r.status, r.metrics) for r in Store(home).runs()])
        yield _seconds("store listed, what is a run and what is not", lambda: inventory(Store(home)))
        yield _seconds("what MLflow lacks, found", lambda: nothing_to_do(home))
    yield _replay()
    yield _journal()


def _seconds(what: str, do: Callable[[], object]) -> Line:
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        do()
        times.append(time.perf_counter() - begun)
    ratios = spread([SCAN_SECONDS / seconds for seconds in times])
    return Line(what, f"{RUNS:,} runs in {min(times):.2f} s", f"{SCAN_SECONDS:g} s", ratios)


def fill(home: Path, count: int) -> None:
    """So many finished runs: a pre-training and two evaluations in turn."""
    store, origin = Store(home), provenance(device="cpu", threads=1)
    for seed in range(0, count, 3):
        pretrain = Stage(replace(BASELINE, seed=seed))
        for stage in (pretrain, *(Stage(replace(FINETUNE, seed=number), (pretrain,)) for number in (0, 1))):
            pretend(store, stage, origin, POINTS)


def _replay() -> Line:
    """Into a database that is there; the writer's start, once for each launch, is not counted."""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        home = Path(folder)
        environment = os.environ | ENVIRONMENT
        subprocess.run([sys.executable, "-m", "mae_core.tracking", "sync", "--home", home], env=environment, check=True)
        fill(home, REPLAYED)
        done = subprocess.run(
            [sys.executable, "-c", REPLAY, home], env=environment, check=True, capture_output=True, text=True
        )
    count, wall, processor = map(float, done.stdout.split()[-3:])
    where = f"{REPLAYED} runs of {POINTS} points into sqlite, {count / wall:.1f} runs/s, {processor:.1f} s of processor"
    return Line("MLflow replay", where, f"{RUNS_A_SECOND:g} runs/s", spread([count / wall / RUNS_A_SECOND]))


def _journal() -> Line:
    """A row's cost as a share of a mini step, as if every step wrote one."""
    step = ours(MINI, "float32")
    step()
    with TemporaryDirectory(prefix="benchmark-") as folder:
        journal, shares = Journal(Path(folder) / NAME), []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            for number in range(ROWS):
                journal.append(
                    {"step": number, "epoch": 0.123456, "loss": 0.7 / (number + 1), "lr": 1e-3, "time": begun}
                )
            row = (time.perf_counter() - begun) / ROWS
            begun = time.perf_counter()
            step()
            shares.append(row / (time.perf_counter() - begun))
        journal.close()
    where = f"{100 * min(shares):.3f} % of a mini step, if each wrote one"
    return Line("journal row", where, f"{100 * SHARE:g} %", spread([SHARE / share for share in shares]))

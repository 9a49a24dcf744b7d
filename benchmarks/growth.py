"""How costs grow: log-log slopes over tokens, decoder depth, ranks, planned cells, runs in a store, reported seeds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ablations.paper import ABLATIONS
from ablations.plan import Plan
from ablations.spec import cells as ablation_cells
from benchmarks.equipment.duel import spread
from benchmarks.equipment.homes import empty_home, pretend
from benchmarks.equipment.peers import MINI as MINI_SHAPE
from benchmarks.equipment.peers import Shape, ours
from benchmarks.equipment.result import Line
from mae_core.data.catalogue import describe
from mae_core.launch.local import environment_for
from mae_core.recipes import BASELINE
from mae_core.scales import MINI, scale
from mae_core.signature import Stage
from mae_core.store.provenance import provenance
from mae_core.store.run import Store
from reports.report import build

REPEATS = 3
STEEPEST = 1.1
POINTS = 50  # of a run's journal


def lines() -> Iterator[Line]:
    """Slope 1: twice as much costs twice as long. The column `where` says over which range."""
    yield _line("plan", "cells", (500, 2500, 10_000), _planning, STEEPEST)
    yield _line("store scan", "runs", (200, 1000, 5000), _scanning, STEEPEST)
    yield _line("report of a masking ratio figure", "seeds", (10, 40, 160), _reporting, STEEPEST)
    yield _line("pre-training step", "decoder depth", (2, 4, 8), _decoding)
    yield _line("pre-training step", "image side, so tokens over 16", (32, 64, 96), _larger)
    yield _over_ranks((1, 2, 4))


def _line(
    what: str, of: str, sizes: Sequence[int], prepare: Callable[[int], Callable[[], object]], goal: float | None = None
) -> Line:
    return _sloped(what, of, sizes, [_best(prepare(size)) for size in sizes], goal)


def _sloped(what: str, of: str, sizes: Sequence[int], seconds: Sequence[float], goal: float | None = None) -> Line:
    slope = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
    told = ", ".join(f"{size:,}: {value:.2g} s" for size, value in zip(sizes, seconds, strict=True))
    return Line(f"{what}: slope over {of}", told, "", spread([slope]), "slope", goal)


def _best(run: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        for remembered in (ablation_cells._stage, scale._apply):  # no call may live on what the one before has computed
            remembered.cache_clear()
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return min(times)


def _planning(cells: int) -> Callable[[], object]:
    ablation = ABLATIONS["mask_ratio"]
    seeds = cells // (len(ablation.cases) * len(ablation.protocols))
    with TemporaryDirectory() as folder:
        info = describe(MINI.data, Path(folder))
    return lambda: Plan.of(ablation.cells(MINI, info, seeds))


def _scanning(runs: int) -> Callable[[], object]:
    folder = TemporaryDirectory(prefix="benchmark-")
    store, origin = Store(Path(folder.name)), provenance(device="cpu", threads=1)
    for seed in range(runs):
        pretend(store, Stage(replace(BASELINE, seed=seed)), origin, POINTS)

    def scan(kept: TemporaryDirectory[str] = folder) -> int:  # the folder lives as long as the scan is needed
        return sum(run.metrics["top1"] > 0 for run in Store(Path(kept.name)).runs() if run.status == "done")

    return scan


def _reporting(seeds: int) -> Callable[[], object]:
    """The whole report, notebook included; each seed has its own runs."""
    folder = TemporaryDirectory(prefix="benchmark-")
    home, ablation, origin = Path(folder.name), ABLATIONS["mask_ratio"], provenance(device="cpu", threads=1)
    info = describe(MINI.data, home)
    cells = ablation.cells(MINI, info, seeds) + ablation.baselines(MINI, info, seeds)
    for stage in Plan.of(cells).stages.values():
        pretend(Store(home), stage, origin, POINTS)

    def run(kept: TemporaryDirectory[str] = folder) -> object:
        return build(ablation, MINI, info, Path(kept.name), seeds)

    return run


def _decoding(depth: int) -> Callable[[], object]:
    return ours(Shape("mini", replace(MINI_SHAPE.recipe, decoder_depth=depth), 64), "float32")


def _larger(side: int) -> Callable[[], object]:
    return ours(Shape("mini", replace(MINI_SHAPE.recipe, image_size=(side, side)), 16), "float32")


def _over_ranks(worlds: Sequence[int]) -> Line:
    """What splitting the same effective batches costs: slope 0 would be for nothing.

    The short pre-training's quick probes, which rank 0 computes alone, are in it.
    """
    seconds = [min(_core_seconds(world) for _ in range(REPEATS)) for world in worlds]
    return _sloped("cores × wall time for 1,000 pre-training images", "ranks", worlds, seconds)


def _core_seconds(world: int) -> float:
    """Wall time of so many ranks of one thread, times the cores they have, for 1,000 images of a mini pre-training."""
    with empty_home() as home:
        (first, *_) = ABLATIONS["mask_ratio"].cells(MINI, describe(MINI.data, home), 1, "75")
        assert first.stage is not None
        stage = Stage(replace(first.stage.parents[0].recipe, epochs=1))
        Store(home).plan(stage)
        started = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(world)]
        ranks = ["-m", "mae_core.launch.ranks", "--home", str(home), stage.signature]
        subprocess.run(
            [sys.executable, "-m", *started, *ranks], check=True, env=environment_for(1), stdout=subprocess.DEVNULL
        )
        record = Store(home).run(stage.signature).record
    assert record is not None
    return 1000 * min(world, os.cpu_count() or 1) / float(record["images_per_second"])

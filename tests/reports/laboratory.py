"""A store written the way stages write it, with numbers made up by a test: what reports are built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ablations.plan import Plan
from ablations.spec import Ablation, Cell
from mae_core.data.catalogue import DataInfo, describe
from mae_core.scales import SCALES, Scale
from mae_core.signature import Stage
from mae_core.store.attempt import RECORD, Attempt, finish, take
from mae_core.store.files import write_sealed
from mae_core.store.run import Store
from reports.results import Result, Results, collect

BASELINES = {"raw_pixels": 80.0, "pca_features": 78.0, "untrained": 60.0, "scratch": 82.5}
PROVENANCE = {"commit": "0123456789abcdef", "dirty": False, "processor": "a processor", "versions": {"torch": "2.14.1"}}


@dataclass
class Laboratory:
    """Finishes, fails or leaves out the cells of an ablation in a home."""

    home: Path
    ablation: Ablation
    scale: Scale = SCALES["smoke"]

    @property
    def info(self) -> DataInfo:
        return describe("fashion_mnist", self.home)

    def cells(self, seeds: int) -> tuple[Cell, ...]:
        return self.ablation.cells(self.scale, self.info, seeds) + self.ablation.baselines(self.scale, self.info, seeds)

    def cell(self, name: str, seeds: int = 3) -> Cell:
        return next(cell for cell in self.cells(seeds) if cell.name.endswith(name))

    def results(self, seeds: int = 1) -> Results:
        return collect(self.ablation, self.scale, self.info, self.home, seeds)

    def imagine(self, number: Callable[[Cell], float | None], seeds: int = 1) -> Results:
        """Results that no store holds: the cells to which `number` gives one are done."""

        def result(cell: Cell) -> Result:
            if cell.stage is None:
                return Result(cell, "cited" if cell.case.cited else "needs")
            value = number(cell)
            return Result(cell, "missing") if value is None else Result(cell, "done", value=value)

        cells = map(result, self.ablation.cells(self.scale, self.info, seeds))
        baselines = map(result, self.ablation.baselines(self.scale, self.info, seeds))
        return Results(self.ablation, self.scale, self.info, seeds, tuple(cells), tuple(baselines), {})

    def take(self, stage: Stage) -> Attempt:
        run = Store(self.home).plan(stage)
        attempt = take(run.folder, len(run.attempts) + 1)
        assert attempt is not None
        return attempt

    def end(self, stage: Stage, state: str = "done", **record: Any) -> Attempt:
        """An attempt at `stage` that ended so."""
        attempt = self.take(stage)
        content = {"state": state, "reason": "", "metrics": {}, "seconds": 10.0, "attempts": attempt.number}
        write_sealed(attempt.folder / RECORD, content | {"provenance": PROVENANCE} | record)
        if state == "done":
            finish(attempt)
        return attempt

    def finish(self, cell: Cell, value: float, **metrics: float) -> None:
        """The cell with that number, and whatever it rests on."""
        for stage in Plan.of([cell]).stages.values():
            if Store(self.home).run(stage.signature).finished is None:
                number = {"loss" if stage.kind == "pretrain" else "top1": value, "n_test": 1000.0}
                rate = 5000.0 if stage.kind == "pretrain" else None
                attempt = self.end(stage, metrics=number | metrics, images_per_second=rate)
                if stage.kind == "pretrain":
                    draw_panels(attempt.folder)

    def finish_all(self, numbers: Mapping[str, float], seeds: int = 1, spread: float = 0.1) -> None:
        """Every cell whose case key or `key/protocol` has a number, `spread` more with each seed, and the baselines."""
        for cell in self.cells(seeds):
            known = numbers | BASELINES
            value = known.get(f"{cell.case.key}/{cell.protocol}", known.get(cell.case.key))
            if value is not None and cell.stage is not None:
                self.finish(cell, value + spread * cell.seed)

    def at(self, scale: str) -> Laboratory:
        return replace(self, scale=SCALES[scale])


def draw_panels(folder: Path) -> None:
    """Panels as pre-training saves them."""
    pixels = np.linspace(0, 1, 8 * 64).reshape(8, 1, 8, 8).astype(np.float16)
    moments = {"mean": np.array([0.5]), "std": np.array([0.25])}
    masked = np.where(np.arange(8) < 4, pixels, 0.5).astype(np.float16)
    np.savez(
        folder / "panels.npz", originals=pixels, reconstructed=pixels * 0.9, masked=masked, mask_ratio=0.75, **moments
    )

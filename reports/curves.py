"""Curves: the pre-training losses behind an ablation's rows, as their journals have them, over seeds."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mae_core.recipes import PretrainRecipe
from mae_core.store.run import Store
from reports.results import Results

POINTS = 100  # of a curve, at most

Journal = Sequence[Mapping[str, float]]  # rows


@dataclass(frozen=True)
class Curve:
    """The loss of one row's pre-training; std is over seeds, empty at one."""

    key: str
    label: str
    recipe: PretrainRecipe
    epochs: tuple[float, ...]
    losses: tuple[float, ...]
    stds: tuple[float, ...]
    rates: tuple[float, ...]  # learning rates
    seeds: int


def pretraining_curves(results: Results, home: Path) -> list[Curve]:
    """A curve for each row with a pre-training that has begun, over the seeds whose journals go as far."""
    store, runs = Store(home), dict[str, dict[str, PretrainRecipe]]()
    for result in results.cells:
        for stage in result.cell.stages():
            if isinstance(stage.recipe, PretrainRecipe) and stage.kind == PretrainRecipe.KIND:
                runs.setdefault(result.cell.case.key, {})[stage.signature] = stage.recipe
    found = []
    for key, recipes in runs.items():
        journals = [[row for row in store.run(name).rows() if "loss" in row] for name in recipes]
        curve = _curve(key, results.ablation.case(key).label, next(iter(recipes.values())), journals)
        found += [curve] if curve else []
    return found


def _curve(key: str, label: str, recipe: PretrainRecipe, journals: Sequence[Journal]) -> Curve | None:
    begun = [rows for rows in journals if rows]
    longest = max(map(len, begun), default=0)
    whole = [rows for rows in begun if len(rows) == longest]
    if not whole:
        return None
    step = -(-longest // POINTS)
    at = [*range(0, longest - 1, step), longest - 1]
    losses = [[_over(rows, n, step) for rows in whole] for n in at]
    return Curve(
        key=key,
        label=label,
        recipe=recipe,
        epochs=tuple(float(whole[0][n]["epoch"]) for n in at),
        losses=tuple(statistics.fmean(values) for values in losses),
        stds=tuple(statistics.stdev(values) for values in losses) if len(whole) > 1 else (),
        rates=tuple(float(whole[0][n]["lr"]) for n in at),
        seeds=len(whole),
    )


def _over(rows: Journal, at: int, step: int) -> float:
    """The mean loss of the rows that the point at `at` stands for."""
    return statistics.fmean(float(row["loss"]) for row in rows[max(0, at + 1 - step) : at + 1])


def write_curves(curves: Iterable[Curve], path: Path) -> None:
    """Write every point: case, epoch, mean loss, its standard deviation over seeds, their number."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("case_key", "case", "target", "epoch", "loss", "std", "lr", "n_seeds"))
        for curve in curves:
            stds = curve.stds or [""] * len(curve.losses)
            for point in zip(curve.epochs, curve.losses, stds, curve.rates, strict=True):
                epoch, loss, std, rate = point
                writer.writerow((curve.key, curve.label, curve.recipe.target, epoch, loss, std, rate, curve.seeds))

"""Curves: the pre-trainings behind an ablation's rows, losses and probes, as their journals have them, over seeds."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mae_core.recipes import PretrainRecipe
from mae_core.signature import Stage
from mae_core.store.run import Store
from reports.results import Results

POINTS = 100  # of a curve, at most

PROBES = {"ridge_top1": "ridge regression", "knn_top1": "nearest neighbours"}  # a journal's key: what was asked

Journal = Sequence[Mapping[str, float]]  # rows


@dataclass(frozen=True)
class Probed:
    """The top-1 of a quick probe at a few epochs of one row's pre-training, in per cent; std is over seeds."""

    epochs: tuple[float, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]  # empty at one seed
    seeds: int


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
    runs: tuple[str, ...] = ()  # signatures, one for each seed asked for
    fitted: tuple[str, ...] = ()  # those of the stages that fitted what the runs predict
    probes: Mapping[str, Probed] = field(default_factory=dict)  # by the keys of PROBES; none in older journals


def pretraining_curves(results: Results, home: Path) -> list[Curve]:
    """A curve for each row with a pre-training that has begun, over the seeds whose journals go as far."""
    store, runs = Store(home), dict[str, dict[str, Stage]]()
    for result in results.cells:
        for stage in result.cell.stages():
            if isinstance(stage.recipe, PretrainRecipe) and stage.kind == PretrainRecipe.KIND:
                runs.setdefault(result.cell.case.key, {})[stage.signature] = stage
    found = []
    for key, stages in runs.items():
        journals = [list(store.run(name).rows()) for name in stages]
        curve = _curve(key, results.ablation.case(key).label, list(stages.values()), journals)
        found += [curve] if curve else []
    return found


def _curve(key: str, label: str, stages: Sequence[Stage], journals: Sequence[Journal]) -> Curve | None:
    whole = _longest([[row for row in rows if "loss" in row] for rows in journals])
    if not whole:
        return None
    longest = len(whole[0])
    step = -(-longest // POINTS)
    at = [*range(0, longest - 1, step), longest - 1]
    losses = [[_over(rows, n, step) for rows in whole] for n in at]
    recipe = stages[0].recipe
    assert isinstance(recipe, PretrainRecipe)
    return Curve(
        key=key,
        label=label,
        recipe=recipe,
        epochs=tuple(float(whole[0][n]["epoch"]) for n in at),
        losses=tuple(statistics.fmean(values) for values in losses),
        stds=tuple(statistics.stdev(values) for values in losses) if len(whole) > 1 else (),
        rates=tuple(float(whole[0][n]["lr"]) for n in at),
        seeds=len(whole),
        runs=tuple(stage.signature for stage in stages),
        fitted=tuple(dict.fromkeys(parent.signature for stage in stages for parent in stage.parents)),
        probes={probe: found for probe in PROBES if (found := _probed(probe, journals))},
    )


def _longest(journals: Sequence[Journal]) -> list[Journal]:
    """Those that go furthest."""
    longest = max(map(len, journals), default=0)
    return [rows for rows in journals if longest and len(rows) == longest]


def _probed(probe: str, journals: Sequence[Journal]) -> Probed | None:
    whole = _longest([[row for row in rows if probe in row] for rows in journals])
    if not whole:
        return None
    looks = [[float(row[probe]) for row in at] for at in zip(*whole, strict=True)]
    return Probed(
        epochs=tuple(float(row["epoch"]) for row in whole[0]),
        means=tuple(map(statistics.fmean, looks)),
        stds=tuple(map(statistics.stdev, looks)) if len(whole) > 1 else (),
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


def write_probes(curves: Iterable[Curve], path: Path) -> None:
    """Write every look: case, probe, epoch, mean top-1, its standard deviation over seeds, their number."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("case_key", "case", "probe", "epoch", "top1", "std", "n_seeds"))
        for curve in curves:
            for probe, found in curve.probes.items():
                for epoch, mean, std in zip(
                    found.epochs, found.means, found.stds or [""] * len(found.means), strict=True
                ):
                    writer.writerow((curve.key, curve.label, probe, epoch, mean, std, found.seeds))

"""Curves of pre-training: what the journals have, over seeds."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mae_core.store.journal import NAME, Journal
from reports.figures import probing
from reports.measures.curves import POINTS, pretraining_curves, write_curves, write_probes
from tests.reports.laboratory import Laboratory


def journalled(laboratory: Laboratory, seed: int, losses: list[float]) -> None:
    """The pre-training at 75 % with those losses."""
    stage = laboratory.cell(f"/75/finetune/{seed}").stage
    assert stage is not None
    lines = Journal(laboratory.take(stage.parents[0]).folder / NAME)
    for step, loss in enumerate(losses):
        lines.append({"step": step, "epoch": step / 10, "loss": loss, "lr": 0.1})
    lines.close()


def test_curve_is_the_mean_over_seeds_that_have_come_as_far(three_rows: Laboratory, tmp_path: Path) -> None:
    for seed, losses in enumerate([[2.0, 1.0, 0.5], [4.0, 2.0, 1.5], [9.0]]):
        journalled(three_rows, seed, losses)
    (curve,) = pretraining_curves(three_rows.results(3), three_rows.home)
    assert (curve.key, curve.seeds, curve.losses) == ("75", 2, (3.0, 1.5, 1.0))
    assert curve.stds == pytest.approx((2**0.5, 0.5**0.5, 0.5**0.5))
    write_curves([curve], tmp_path / "curves.csv")
    with (tmp_path / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case_key"], float(row["epoch"]), float(row["loss"])) for row in rows][-1] == ("75", 0.2, 1.0)


def test_long_journals_are_thinned_to_means(three_rows: Laboratory) -> None:
    journalled(three_rows, 0, [float(n) for n in range(1000)])
    (curve,) = pretraining_curves(three_rows.results(), three_rows.home)
    assert len(curve.losses) <= POINTS + 1
    assert curve.losses[-1] == pytest.approx(994.5)
    assert curve.epochs[-1] == pytest.approx(99.9)


def test_nothing_begun_is_no_curve(three_rows: Laboratory) -> None:
    assert pretraining_curves(three_rows.results(), three_rows.home) == []


def looked_at(laboratory: Laboratory, key: str, seed: int, accuracies: list[float]) -> None:
    """The pre-training of that row, with a look before its first epoch and after each."""
    stage = laboratory.cell(f"/{key}/finetune/{seed}").stage
    assert stage is not None
    lines = Journal(laboratory.take(stage.parents[0]).folder / NAME)
    for epoch, top1 in enumerate(accuracies):
        more = {"loss": 1.0 / epoch, "lr": 0.1} if epoch else {}
        lines.append({"step": 8 * epoch, "epoch": epoch, **more, "ridge_top1": top1, "knn_top1": top1 - 1})
    lines.close()


def test_looks_are_means_over_seeds_and_are_not_in_the_loss_curve(three_rows: Laboratory, tmp_path: Path) -> None:
    for seed, accuracies in enumerate([[10.0, 40.0, 60.0], [20.0, 44.0, 64.0], [10.0]]):
        looked_at(three_rows, "75", seed, accuracies)
    (curve,) = pretraining_curves(three_rows.results(3), three_rows.home)
    assert (curve.epochs, curve.losses) == ((1.0, 2.0), (1.0, 0.5))
    found = curve.probes["ridge_top1"]
    assert (found.epochs, found.means, found.seeds) == ((0.0, 1.0, 2.0), (15.0, 42.0, 62.0), 2)
    assert curve.probes["knn_top1"].means == (14.0, 41.0, 61.0)
    write_probes([curve], tmp_path / "probes.csv")
    with (tmp_path / "probes.csv").open(newline="") as file:
        rows = [(row["probe"], float(row["epoch"]), float(row["top1"]), row["n_seeds"]) for row in csv.DictReader(file)]
    assert rows[2:4] == [("ridge_top1", 2.0, 62.0, "2"), ("knn_top1", 0.0, 14.0, "2")]


def test_rows_from_before_there_were_looks_are_left_out_of_their_figure(three_rows: Laboratory, tmp_path: Path) -> None:
    journalled(three_rows, 0, [2.0, 1.0])
    results = three_rows.results()
    assert probing.draw(results, pretraining_curves(results, three_rows.home), tmp_path) == []
    looked_at(three_rows, "10", 0, [10.0, 50.0])
    curves = pretraining_curves(three_rows.results(), three_rows.home)
    assert [sorted(curve.probes) for curve in curves] == [["knn_top1", "ridge_top1"], []]
    panels = probing.compose(results, curves).axes
    assert [[text.get_text() for text in axes.get_legend().get_texts()] for axes in panels] == [
        ["10 %  50.0"],
        ["10 %  49.0"],
    ]
    assert [path.name for path in probing.draw(results, curves, tmp_path)] == ["probing.png", "probing.svg"]

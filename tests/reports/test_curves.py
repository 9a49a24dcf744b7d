"""Curves of pre-training: what the journals have, over seeds."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mae_core.store.journal import NAME, Journal
from reports.curves import POINTS, pretraining_curves, write_curves
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

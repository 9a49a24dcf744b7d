"""Costs: what each number took, every label in its own panel."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ablations.paper import ABLATIONS
from reports.figures import costs
from reports.figures.style import styled
from reports.flops import forward_flops
from reports.tables.rows import table_rows
from tests.reports.laboratory import Laboratory


@pytest.mark.parametrize("measured", [True, False])
def test_costs_are_named_within_their_panel(tmp_path: Path, measured: bool) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["mask_token"])
    for cell in laboratory.cells(1):
        laboratory.finish(cell, 70.0)
    results = laboratory.results()
    memory = {case.key: 1.25 for case in laboratory.ablation.cases if measured}
    with styled():
        figure = costs.compose(results, table_rows(results), memory)
        FigureCanvasAgg(figure).draw()
    left, right = figure.axes
    nearest = min(label.get_window_extent().x0 for label in right.get_yticklabels())
    assert all(text.get_window_extent().x1 < nearest for text in left.texts)
    assert len(right.texts) == 2
    assert all(("1.25 GB" in text.get_text()) is measured for text in right.texts)
    assert all(text.get_window_extent().x1 < figure.bbox.x1 for text in right.texts)
    legend, labels = left.get_legend().get_window_extent(), left.xaxis.get_tightbbox()
    assert legend.y1 <= labels.y0  # it hides neither a point nor the axis
    assert legend.y0 >= 0


@pytest.mark.parametrize(("name", "kind"), [("mask_token", "pretrain"), ("scratch", "finetune")])
def test_speed_is_called_what_it_is_of(tmp_path: Path, name: str, kind: str) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS[name])
    for stage in dict.fromkeys(stage for cell in laboratory.cells(1) for stage in cell.stages()):
        laboratory.end(stage, metrics={"top1": 70.0, "top1_raw": 70.0, "loss": 0.5}, images_per_second=5000.0)
    results = laboratory.results()
    title = costs.compose(results, table_rows(results), {}).axes[1].get_title(loc="left")
    assert title == ("pre-training speed" if kind == "pretrain" else "training speed")


def test_compute_is_three_forward_passes_for_each_image_seen(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["mask_token"])
    for cell in laboratory.cells(1):
        laboratory.finish(cell, 70.0, images=1000.0)
    results = laboratory.results()
    stages = {result.cell.case.key: result.cell.stages() for result in results.cells}
    forward = {key: next(forward_flops(s) for s in found if s.kind == "pretrain") for key, found in stages.items()}
    spent = costs.compute(results, table_rows(results)).spent
    assert {key: flops / spent[results.ablation.default] for key, flops in spent.items()} == pytest.approx(
        {key: flops / forward[results.ablation.default] for key, flops in forward.items()}
    )
    figure = costs.compose(results, table_rows(results), {})
    assert "FLOPs" in figure.axes[0].get_xlabel()


def test_rows_of_equal_compute_are_not_spread_along_an_axis(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["augmentation"])
    for cell in laboratory.cells(1):
        laboratory.finish(cell, 70.0, images=1000.0)
    results = laboratory.results()
    left = costs.compose(results, table_rows(results), {}).axes[0]
    assert not left.lines
    assert [text.get_text() for text in left.texts] == ["Pre-training takes the same compute in all rows."]


def test_one_seed_has_no_bar(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["mask_token"]).imagine(lambda _: 70.0)
    rows = [replace(row, seconds=10.0) for row in table_rows(results)]
    left = costs.compose(results, rows, {}).axes[0]
    assert left.collections  # where bars would be
    assert not any(np.ptp(bar, axis=0).any() for bars in left.collections for bar in bars.get_segments() if len(bar))

"""Costs: what each number took, every label in its own panel."""

from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ablations.paper import ABLATIONS
from reports.figures import costs
from reports.figures.style import styled
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

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

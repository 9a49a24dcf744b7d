"""Costs: what each number took, every label in its own panel."""

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ablations.paper import ABLATIONS
from reports.figures import costs
from reports.figures.style import styled
from reports.results import Results
from reports.rows import table_rows
from tests.reports.laboratory import Laboratory


def on(results: Results, device: str) -> Results:
    """The same, computed on that device."""
    records = [{**r.record, "provenance": {"device": device}} for r in results.cells]
    return replace(results, cells=tuple(replace(r, record=x) for r, x in zip(results.cells, records, strict=True)))


@pytest.mark.parametrize(("device", "measured"), [("a GPU", True), ("cpu", False)])
def test_costs_are_named_within_their_panel(tmp_path: Path, device: str, measured: bool) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["wall_clock"])
    for cell in laboratory.cells(1):
        laboratory.finish(cell, 70.0, hours=0.1, peak_memory_gb=1.25)
    results = on(laboratory.results(), device)
    with styled():
        figure = costs.compose(results, table_rows(results))
        FigureCanvasAgg(figure).draw()
    left, right = figure.axes
    nearest = min(label.get_window_extent().x0 for label in right.get_yticklabels())
    assert all(text.get_window_extent().x1 < nearest for text in left.texts)
    assert all(("1.2 GB" in text.get_text()) is measured for text in right.texts)
    assert all(text.get_window_extent().x1 < figure.bbox.x1 for text in right.texts)

"""Differences to the default row: every label stands whole, and no panel is empty."""

from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ablations.paper import ABLATIONS
from reports.figures import differences
from reports.figures.style import styled
from reports.tables.rows import table_rows
from tests.reports.laboratory import Laboratory


def drawn(folder: Path, name: str) -> Figure:
    """The differences of an ablation whose rows all have a number that can be had."""
    results = Laboratory(folder, ABLATIONS[name]).imagine(lambda cell: 70.0 + len(cell.case.key))
    with styled():
        figure = differences.compose(results, table_rows(results))
        FigureCanvasAgg(figure).draw()
    return figure


@pytest.mark.parametrize("name", ["robustness", "transfer_classification", "wall_clock", "in1k_comparison"])
def test_labels_are_not_cut_off(tmp_path: Path, name: str) -> None:
    assert all(label.get_window_extent().x0 >= 0 for label in drawn(tmp_path, name).axes[0].get_yticklabels())


def test_protocols_that_the_default_row_lacks_have_no_panel(tmp_path: Path) -> None:
    figure = drawn(tmp_path, "robustness")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["corrupted images"]
    assert not [label for label in figure.axes[0].get_yticklabels() if "IN-A" in label.get_text()]

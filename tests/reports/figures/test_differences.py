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


def test_the_papers_hours_do_not_stand_beside_those_of_this_machine(tmp_path: Path) -> None:
    hollow = {
        axes.get_title(loc="left"): sum(line.get_markerfacecolor() == "white" for line in axes.lines)
        for axes in drawn(tmp_path, "wall_clock").axes
    }
    assert hollow == {"fine-tuning": 4, "pre-training time": 0}


def test_statuses_stand_beside_the_points_in_the_words_of_the_figure(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["mask_ratio"])
    results = laboratory.imagine(lambda cell: None if cell.seed and cell.case.key != "75" else 70.0, 3)
    with styled():
        figure = differences.compose(results, table_rows(results))
        FigureCanvasAgg(figure).draw()
    assert {text.get_text() for axes in figure.axes for text in axes.texts} == {"1 of 3 seeds"}
    for axes, edge in zip(figure.axes, [figure.axes[1].bbox.x0, figure.bbox.x1], strict=True):
        assert all(axes.bbox.x1 < text.get_window_extent().x0 for text in axes.texts)
        assert all(text.get_window_extent().x1 < edge for text in axes.texts)
    assert "one pair of seeds each" in figure.get_suptitle()

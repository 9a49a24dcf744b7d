"""The scatter of all reports: the default row has a look of its own, and the paper's setting is the reports'."""

import json
from dataclasses import replace
from pathlib import Path

from ablations.paper import ABLATIONS
from reports.figures import scatter
from reports.tables.rows import Row, table_rows, write_rows
from tests.reports.laboratory import Laboratory


def reported(folder: Path, *names: str, spread: bool = True) -> Path:
    """The tables of these ablations, the default row over three seeds."""
    for name in names:
        ablation = ABLATIONS[name]
        rows = table_rows(Laboratory(folder / "home", ablation).imagine(lambda cell: 70.0 + len(cell.case.key)))
        (folder / name).mkdir(parents=True)
        write_rows([_spread(row, ablation.default) if spread else row for row in rows], folder / name / "table.csv")
        (folder / name / "report.json").write_text(json.dumps({"default": ablation.default}))
    return folder


def _spread(row: Row, default: str) -> Row:
    return replace(row, std=0.5, n_seeds=3) if row.case_key == default else row


def test_default_row_of_several_reports_is_one_point_of_its_own(tmp_path: Path) -> None:
    folder = reported(tmp_path, "mask_ratio", "mask_token")
    for column in ("mean", "paper"):
        usual = [point for point in scatter.points(folder, column) if point.group == scatter.DEFAULT]
        assert len(usual) == 1
    rows = sum(len(ABLATIONS[name].cases) for name in ("mask_ratio", "mask_token"))
    assert len(scatter.points(folder, "paper")) == rows - 1


def test_default_row_has_a_marker_that_no_report_has(tmp_path: Path) -> None:
    folder = reported(tmp_path, "mask_ratio", "mask_token", "augmentation")
    points = scatter.points(folder, "mean"), scatter.points(folder, "paper")
    figure = scatter.compose(*points, "mini", "elsewhere")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names.count(scatter.DEFAULT) == 1
    for axes in figure.axes:
        markers = {str(line.get_label()): line.get_marker() for line in axes.lines if line.get_marker() != "None"}
        assert [name for name, marker in markers.items() if marker == markers[scatter.DEFAULT]] == [scatter.DEFAULT]


def test_only_numbers_of_several_seeds_have_bars(tmp_path: Path) -> None:
    def bars(folder: Path) -> int:
        figure = scatter.compose(scatter.points(folder, "mean"), scatter.points(folder, "paper"), "mini", "elsewhere")
        return sum(len(lines.get_segments()) for axes in figure.axes for lines in axes.collections)

    assert bars(reported(tmp_path / "one", "mask_ratio", spread=False)) == 0
    assert bars(reported(tmp_path / "three", "mask_ratio")) == 2  # of the default row, one for each of its numbers


def test_papers_setting_is_that_of_the_reports(tmp_path: Path) -> None:
    assert scatter._papers_setting(reported(tmp_path, "mask_ratio", "mask_token")) == "ViT-L/16, ImageNet-1K"

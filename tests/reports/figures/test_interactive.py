"""The interactive comparison: what is told apart by its name is told apart by its look."""

from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from ablations.paper import ABLATIONS
from reports.figures.interactive import comparison, losses
from reports.tables.facts import facts
from reports.tables.rows import table_rows, write_rows
from tests.reports.laboratory import Laboratory


def ours_of(name: str, folder: Path) -> list[go.Scatter]:
    """Our curves where every cell of the ablation is done."""
    results = Laboratory(folder, ABLATIONS[name]).imagine(lambda cell: 70.0)
    write_rows(table_rows(results), folder / "table.csv")
    rows = pd.read_csv(folder / "table.csv", dtype={"case_key": str})
    axes = facts(results, None, {}, [])["axes"]
    return [trace for trace in comparison(rows, rows[:0], axes).figure.data if trace.name.endswith(", ours")]


def test_hours_do_not_stand_on_an_axis_of_accuracies(tmp_path: Path) -> None:
    assert [trace.name for trace in ours_of("wall_clock", tmp_path)] == ["fine-tuning, ours"]
    assert len(ours_of("mask_ratio", tmp_path)) == 2


def test_rows_by_name_keep_their_order_and_leave_the_legend_room(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["robustness"]).imagine(lambda cell: 70.0)
    write_rows(table_rows(results), tmp_path / "table.csv")
    rows = pd.read_csv(tmp_path / "table.csv", dtype={"case_key": str})
    layout = comparison(rows, rows[:0], facts(results, None, {}, [])["axes"]).figure.layout
    assert list(layout.xaxis.categoryarray) == [row.case for row in table_rows(results) if row.metric == "mce"]
    assert layout.legend.y > 1  # the names stand below


def test_each_series_has_its_own_colour_and_symbol(tmp_path: Path) -> None:
    ours = ours_of("model_size", tmp_path)
    assert [trace.name for trace in ours] == [
        "fine-tuning, MAE, ours",
        "fine-tuning, supervised, ours",
    ]
    assert len({trace.line.color for trace in ours}) == len({trace.marker.symbol for trace in ours}) == 2


def test_losses_of_several_targets_have_a_panel_each_and_trivial_lines_say_of_which() -> None:
    lines = [(case, target, epoch, 1.0) for case, target in (("A", "pixel"), ("B", "pca")) for epoch in (0, 1)]
    curves = pd.DataFrame(lines, columns=["case", "target", "epoch", "loss"])
    figure = losses(curves, {"pixel": {"a guess": 2.0}, "pca": {"a guess": 3.0}}).figure
    assert {trace.name: trace.yaxis for trace in figure.data} == {
        "A": "y", "a guess, pixels 2.000": "y", "B": "y2", "a guess, principal components 3.000": "y2",
    }  # fmt: skip
    assert figure.layout.yaxis2.title.text == "loss on principal components"


def test_one_seed_has_no_bar(tmp_path: Path) -> None:
    assert all(trace.error_y.array is None for trace in ours_of("mask_ratio", tmp_path))


def test_no_line_joins_points_of_the_same_runs(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["mask_ratio"]).imagine(lambda cell: 70.0)
    write_rows(table_rows(results), tmp_path / "table.csv")
    rows = pd.read_csv(tmp_path / "table.csv", dtype={"case_key": str})
    rows.loc[rows["case_key"].isin(["20", "30"]) & (rows["protocol"] == "finetune"), "signatures"] = "the same"
    ours, dotted, *_ = comparison(rows, rows[:0], facts(results, None, {}, [])["axes"]).figure.data
    assert list(ours.x[:5]) == [10, 20, None, 30, 40]
    assert (list(dotted.x), dotted.line.dash) == ([20, 30], "dot")
    assert ours.hovertext[3].endswith("the same runs as 20 %")

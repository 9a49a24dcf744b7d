"""Costs: what each number took, every label in its own panel."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ablations.paper import ABLATIONS
from mae_core.store.run import Store
from reports.figures import costs
from reports.figures.style import styled
from reports.measures.flops import forward_flops
from reports.results import Results
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


def of_speeds(laboratory: Laboratory, *speeds: float) -> Results:
    """Every seed's pre-trainings ran at one of `speeds`."""
    for seed, speed in enumerate(speeds):
        for cell in (cell for cell in laboratory.cells(len(speeds)) if cell.seed == seed):
            for stage in (stage for stage in cell.stages() if stage.kind == "pretrain"):
                if Store(laboratory.home).run(stage.signature).finished is None:
                    laboratory.end(stage, metrics={"loss": 0.5, "images": 1000.0}, images_per_second=speed)
            laboratory.finish(cell, 70.0)
    return laboratory.results(len(speeds))


@pytest.mark.parametrize(("slow", "marked"), [(400.0, True), (900.0, False)])
def test_bar_is_the_fastest_seed_and_seeds_far_apart_are_marked(tmp_path: Path, slow: float, marked: bool) -> None:
    results = of_speeds(Laboratory(tmp_path, ABLATIONS["mask_token"]), slow, 1000.0)
    right = costs.compose(results, table_rows(results), {}).axes[1]
    assert {bar.get_width() for bar in right.patches} == {1000.0}
    assert [sorted(line.get_xdata()) for line in right.lines] == [[slow, 1000.0]] * 2
    assert all(bool(bar.get_hatch()) is marked for bar in right.patches)
    assert all(("2.5× apart" in text.get_text()) is marked for text in right.texts)
    assert ("hatched" in right.get_xlabel()) is marked
    assert "bars: the fastest seed" in right.get_xlabel()


def test_each_name_stands_above_the_panel_over_its_own_points(tmp_path: Path) -> None:
    results = of_speeds(Laboratory(tmp_path, ABLATIONS["mask_ratio"]), 1000.0)
    rows = table_rows(results)
    with styled():
        figure = costs.compose(results, rows, {})
        FigureCanvasAgg(figure).draw()
    axes, spent = figure.axes[0], costs.compute(results, rows).spent
    places = {text.get_text(): text.xy[0] for text in axes.texts}
    assert places["75 % (default)"] == spent["75"]
    assert {spent[case.key] for case in results.ablation.cases if case.label in places} <= set(places.values())
    boxes = [text.get_window_extent() for text in axes.texts]
    assert all(box.y0 > axes.bbox.y1 for box in boxes)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert {line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2} == set(places.values())


def test_what_is_said_of_speeds_is_not_cut_off(tmp_path: Path) -> None:
    results = of_speeds(Laboratory(tmp_path, ABLATIONS["mask_ratio"]), 400.0, 1000.0)
    with styled():
        figure = costs.compose(results, table_rows(results), {"75": 1.5})
        FigureCanvasAgg(figure).draw()
    said = figure.axes[1].xaxis.label.get_window_extent()
    assert said.y0 >= 0
    assert said.x1 <= figure.bbox.x1

"""The figure: ours and the paper's on axes of their own, the baselines in the panels they belong to."""

import hashlib
import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ablations.paper import ABLATIONS
from ablations.spec import Cell
from mae_core.scales import SCALES
from reports.figures.ablation import compose, draw
from reports.figures.style import SERIES, styled
from reports.results import Results
from reports.tables.rows import baseline_rows, table_rows
from tests.reports.laboratory import BASELINES, Laboratory


def number(cell: Cell) -> float | None:
    """Everything but 80 %."""
    return None if cell.case.key == "80" else BASELINES.get(cell.case.key, 70.0 + cell.seed)


def axes_of(results: Results) -> list[Axes]:
    """Ours above and below, then the paper's above and below."""
    return compose(results, table_rows(results), baseline_rows(results)).axes


def texts(axes: Axes) -> str:
    """All that is written in a panel and its legend."""
    legend = axes.get_legend()
    return "\n".join(text.get_text() for text in (*axes.texts, *(legend.get_texts() if legend else ())))


def test_each_protocol_has_a_panel_with_the_paper_on_the_right(laboratory: Laboratory) -> None:
    above, below, paper_above, paper_below = axes_of(laboratory.imagine(number))
    assert [axes.get_title(loc="left") for axes in (above, below)] == ["fine-tuning", "linear probing"]
    assert [axes.yaxis.get_label_position() for axes in (paper_above, paper_below)] == ["right", "right"]
    assert "paper: ViT-L/16, ImageNet-1K" in paper_above.get_ylabel()
    assert above.get_ylabel() == "ours: top-1 (%)"


def test_papers_curve_is_dashed_hollow_and_its_own_numbers(laboratory: Laboratory) -> None:
    line = axes_of(laboratory.imagine(number))[2].lines[0]
    assert (line.get_linestyle(), line.get_markerfacecolor()) == ("--", "white")
    assert list(line.get_ydata()) == [case.paper["finetune"] for case in laboratory.ablation.cases]


def test_our_curve_has_a_gap_where_a_row_is_not_done(laboratory: Laboratory) -> None:
    axes = axes_of(laboratory.imagine(number))[0]
    assert np.isnan(np.asarray(axes.lines[0].get_ydata(), dtype=float)).tolist() == [False] * 8 + [True, False]
    assert "missing" in texts(axes)


def test_a_point_that_lacks_seeds_says_of_how_many_it_is_the_mean(laboratory: Laboratory) -> None:
    found = laboratory.imagine(lambda cell: None if (cell.case.key, cell.seed) == ("75", 2) else number(cell), 3)
    axes = axes_of(found)[0]
    assert {text.get_text() for text in axes.texts if text.get_rotation()} == {"missing", "2 of 3 seeds"}


def test_statuses_stand_apart_from_all_that_is_drawn(laboratory: Laboratory) -> None:
    found = laboratory.imagine(lambda cell: None if cell.seed else number(cell), 3)
    with styled():
        figure = compose(found, table_rows(found), baseline_rows(found))
        FigureCanvasAgg(figure).draw()
    for axes in figure.axes[:2]:
        told = [text.get_window_extent() for text in axes.texts if text.get_rotation()]
        assert len(told) == len(laboratory.ablation.cases)
        assert all(box.y0 > axes.bbox.y1 for box in told)
        assert all(box.y1 < axes.title.get_figure().bbox.y1 for box in told)


@pytest.mark.parametrize("name", ["mask_ratio", "decoder_depth", "robustness"])
def test_numbers_overlap_neither_one_another_nor_our_points(tmp_path: Path, name: str) -> None:
    found = Laboratory(tmp_path, ABLATIONS[name]).imagine(lambda cell: 70.0 + sum(map(ord, cell.case.key)) % 7)
    with styled():
        figure = compose(found, table_rows(found), baseline_rows(found))
        FigureCanvasAgg(figure).draw()
    runs = {p: {r.signatures for r in table_rows(found) if r.protocol == p and r.mean} for p in found.protocols}
    for axes, protocol in ((axes, p) for axes, p in zip(figure.axes, runs, strict=False) if axes.lines):
        boxes = [text.get_window_extent() for text in axes.texts if "." in text.get_text()]
        assert len(boxes) == len(runs[protocol])
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
        points = axes.transData.transform(np.column_stack(axes.lines[0].get_data()))
        assert not any(box.contains(*point) for box in boxes for point in points)


def test_band_is_one_standard_deviation(laboratory: Laboratory) -> None:
    assert not axes_of(laboratory.imagine(number, seeds=1))[0].collections
    axes = axes_of(laboratory.imagine(number, seeds=3))[0]
    band = max((c for c in axes.collections if c.get_alpha()), key=lambda c: len(c.get_paths()[0].vertices))
    heights = band.get_paths()[0].vertices[:, 1]
    assert (min(heights), max(heights)) == pytest.approx((70.0, 72.0))


def test_baselines_stand_in_their_panels(laboratory: Laboratory) -> None:
    above, below, *_ = axes_of(laboratory.imagine(number))
    for axes, present, absent in ((above, "from scratch", "untrained"), (below, "untrained", "from scratch")):
        assert "raw pixels 80.0" in texts(axes)
        assert "PCA features 78.0" in texts(axes)
        assert present in texts(axes)
        assert absent not in texts(axes)


def test_title_says_scale_data_labels_n_and_spread(laboratory: Laboratory) -> None:
    results = laboratory.imagine(number, seeds=3)
    figure = compose(results, table_rows(results), baseline_rows(results))
    assert figure.get_suptitle() == (
        "Masking ratio, ours: smoke, fashion_mnist, 256 labels, n = 3 (± 1 standard deviation over seeds)"
    )


def test_legend_has_the_lines_in_the_order_in_which_they_end(laboratory: Laboratory) -> None:
    legend = axes_of(laboratory.imagine(number))[0].get_legend()
    assert legend is not None
    ends = [text.get_text().split()[-1] for text in legend.get_texts()]
    assert ends == ["82.5", "80.0", "78.0", "fashion_mnist", "axis)"]


def test_each_series_is_a_curve_of_its_own(laboratory: Laboratory) -> None:
    cases = [replace(case, series="odd" if case.key in ("10", "30") else "even") for case in laboratory.ablation.cases]
    laboratory.ablation = replace(laboratory.ablation, cases=tuple(cases))
    above = axes_of(laboratory.imagine(number))[0]
    assert {len(line.get_xdata()) for line in above.lines[:2]} == {2, 8}
    assert above.lines[0].get_marker() != above.lines[1].get_marker()


def test_curve_without_a_point_is_named_with_its_status_in_the_legend_alone(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["partial_finetune"]).imagine(number)  # ours; nobody has the others' files
    axes = axes_of(results)[0]
    told = [text.get_text().replace("\n", " ") for text in axes.get_legend().get_texts()]
    assert "ours, MAE, fashion_mnist" in told
    assert "ours, MoCo v3: needs" in told
    assert "paper, MoCo v3 (right-hand axis)" in told
    assert "needs" not in {text.get_text() for text in axes.texts}


def test_axis_whose_values_double_is_logarithmic(laboratory: Laboratory) -> None:
    cases = [replace(case, key=str(100 * 2**n)) for n, case in enumerate(laboratory.ablation.cases[:5])]
    laboratory.ablation = replace(laboratory.ablation, cases=tuple(cases), default="800", claims=())
    assert axes_of(laboratory.imagine(number))[0].get_xscale() == "log"


def test_neighbours_too_near_for_their_labels_are_drawn_apart(tmp_path: Path) -> None:
    partial = Laboratory(tmp_path, ABLATIONS["partial_finetune"])
    axes = axes_of(partial.imagine(lambda cell: 70.0))[0]
    ticks = sorted(axes.transData.transform((place, 70.0))[0] for place in axes.get_xticks())
    assert min(b - a for a, b in itertools.pairwise(ticks)) > 0.05 * (ticks[-1] - ticks[0])
    assert "square-root" in axes.get_xlabel()


def test_only_at_paper_scale_both_axes_are_one(laboratory: Laboratory) -> None:
    ours, _, paper, _ = axes_of(laboratory.imagine(number))
    assert ours.get_ylim() != paper.get_ylim()
    laboratory.scale = replace(SCALES["paper"], data="fashion_mnist")
    ours, _, paper, _ = axes_of(laboratory.imagine(number))
    assert ours.get_ylim() == paper.get_ylim()


def test_hours_of_another_machine_and_numbers_without_ours_keep_an_axis_of_their_own(tmp_path: Path) -> None:
    timed = Laboratory(tmp_path, ABLATIONS["wall_clock"])
    timed.scale = replace(SCALES["paper"], data="fashion_mnist")
    results = timed.imagine(lambda cell: 2e5 if cell.protocol == "wall_clock" else None)
    accuracy, hours, papers_accuracy, papers_hours = axes_of(results)
    assert accuracy.get_yticks().size == 0
    assert 80 < papers_accuracy.get_ylim()[0] < papers_accuracy.get_ylim()[1] < 90
    assert papers_hours.get_ylim()[1] < 1000 < hours.get_ylim()[0]


def test_nothing_done_yet_can_be_drawn(laboratory: Laboratory) -> None:
    axes = axes_of(laboratory.imagine(lambda _: None))[0]
    assert axes.get_yticks().size == 0
    assert all(math.isnan(value) for value in axes.lines[0].get_ydata())


def test_rows_without_numbers_for_keys_are_dots_side_by_side(three_rows: Laboratory) -> None:
    three_rows.ablation = replace(three_rows.ablation, figure="dots")
    axes = axes_of(three_rows.imagine(number, seeds=2))[1]  # the lower panel's ticks serve both
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10 %", "75 %", "90 %"]
    assert axes.lines[0].get_linestyle() == "None"


def test_labels_of_many_rows_do_not_overlap(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["robustness"]).imagine(number)
    with styled():
        figure = compose(results, table_rows(results), baseline_rows(results))
        FigureCanvasAgg(figure).draw()
    for axes, protocol in zip(figure.axes, results.protocols, strict=False):
        labels = axes.get_xticklabels()
        of_panel = [row for row in table_rows(results) if row.protocol == protocol]  # no row of another panel
        assert len(labels) == sum(row.mean is not None or row.paper is not None for row in of_panel)
        boxes = [label.get_window_extent() for label in labels]
        assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))
        assert "ours, :" not in texts(axes)


def test_equal_numbers_give_equal_files(three_rows: Laboratory, tmp_path: Path) -> None:
    def digests(seeds: int) -> list[str]:
        results = three_rows.imagine(number, seeds)
        paths = draw(results, table_rows(results), baseline_rows(results), tmp_path)
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]

    first = digests(1)
    assert first == digests(1)
    assert set(first).isdisjoint(digests(2))


def test_no_two_curves_of_a_figure_look_alike() -> None:
    most = max(len({case.series for case in ablation.cases}) for ablation in ABLATIONS.values())
    assert most <= len(SERIES)
    assert len({colour for colour, _ in SERIES}) == len({marker for _, marker in SERIES}) == len(SERIES)


def test_numbers_on_other_data_than_pretraining_say_on_which(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["transfer_classification"]).imagine(number)
    figure = compose(results, table_rows(results), baseline_rows(results))
    told = "pre-trained on fashion_mnist, evaluated on digits"
    assert told in figure.get_suptitle()
    assert told in texts(figure.axes[0]).replace("\n", " ")


def test_our_curves_of_model_size_name_no_data_of_the_papers(tmp_path: Path) -> None:
    axes = axes_of(Laboratory(tmp_path, ABLATIONS["model_size"]).imagine(number))[0]
    entries = [text.get_text().replace("\n", " ") for text in axes.get_legend().get_texts()]
    ours = [entry for entry in entries if entry.startswith("ours")]
    assert ours == ["ours, MAE, fashion_mnist", "ours, supervised, fashion_mnist"]
    assert axes.get_xlabel() == "parameters of the paper's model (millions)"


def test_rows_of_the_same_runs_have_one_number_and_say_whose_they_are(laboratory: Laboratory) -> None:
    results = laboratory.imagine(number, seeds=3)
    rows = [replace(r, signatures="the same") if r.case_key in ("30", "40") else r for r in table_rows(results)]
    axes = compose(results, rows, baseline_rows(results)).axes[0]
    assert "same runs as 30" in {text.get_text() for text in axes.texts}
    assert (
        sum("71.0" in text.get_text() for text in axes.texts) == len(laboratory.ablation.cases) - 2
    )  # 80 % is missing
    assert "small: the same runs again" in texts(axes)
    assert "same runs" not in texts(axes_of(results)[0])


def test_each_of_many_rows_that_is_not_drawn_is_marked_or_named_once_beneath(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["robustness"]).imagine(number)
    rows = table_rows(results)
    with styled():
        figure = compose(results, rows, baseline_rows(results))
        FigureCanvasAgg(figure).draw()
    (beneath,) = figure.texts[:1]
    said = beneath.get_text().replace("\n", " ")
    for axes, protocol in zip(figure.axes, results.protocols, strict=False):
        marked = {axes.get_xticks().tolist().index(text.xy[0]) for text in axes.texts if text.get_rotation()}
        names = [label.get_text() for label in axes.get_xticklabels()]
        of_panel = [row for row in rows if row.protocol == protocol]
        assert {row.case for row in of_panel} - set(names) == {row.case for row in of_panel if row.case in said}
        assert {names[n] for n in marked} >= {row.case for row in of_panel if row.mean is None} & set(names)
    box = beneath.get_window_extent()
    assert box.x1 <= figure.bbox.x1
    assert box.y1 < figure.axes[len(results.protocols) - 1].xaxis.label.get_window_extent().y0


def test_long_title_is_not_cut_off(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["transfer_classification"]).imagine(number)
    with styled():
        figure = compose(results, table_rows(results), baseline_rows(results))
        FigureCanvasAgg(figure).draw()
    title = next(text for text in figure.texts if text.get_text() == figure.get_suptitle())
    assert title.get_window_extent().x1 <= figure.bbox.x1

"""The figure of an ablation: for each protocol ours with spread and baselines, the paper's on its own axis."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ablations.spec import PROTOCOL_LABELS, Ablation
from reports.figures.style import BASELINES, OURS, PAPER, SERIES, WIDTH, margins, save, styled
from reports.metrics import metric
from reports.results import Results
from reports.tables.rows import Row
from reports.tables.setting import data_told, paper_setting, setting

PANEL_HEIGHT = 2.6  # inches
LEFT, RIGHT, ABOVE = 0.6, 2.85, 0.6  # margins in inches; the legend stands on the right
OTHERS = "other rows"  # the name of those that are in no series, beside some that are
LEGEND_LINE = 36  # characters
CROWDED = 0.04  # of the axis, between two ticks
LONG_LABEL = 58  # characters of all labels together, beyond which they stand upright
MANY = 30  # rows side by side, beyond which each panel has but its own and the figure widens
NARROWEST = 0.13  # inches, of one of so many rows


@dataclass(frozen=True)
class Places:
    """Where the rows stand on the x axis, and what is written there."""

    at: Mapping[str, float]  # by case key
    labels: Mapping[str, str]
    joined: bool  # by lines: the axis is a quantity
    doubling: bool  # each value is at least about twice the one before: a logarithmic axis
    crowded: bool = False  # some are too near their neighbours for their labels: a square-root axis
    many: bool = False  # rows side by side: numbers stand upright, too

    def of(self, rows: Sequence[Row]) -> Places:
        """The places in the panel of `rows`: theirs alone where there are many, else all, as panels share them."""
        return replace(self, at={row.case_key: float(n) for n, row in enumerate(rows)}) if self.many else self


def places(ablation: Ablation) -> Places:
    """The places that the cases name, else their keys' own numbers, for curves; 0, 1, 2 … otherwise."""
    cases = ablation.cases
    labels = {case.key: case.label for case in cases}
    at: dict[str, float] = {}
    if ablation.figure == "curves":
        try:
            at = {case.key: float(case.key) if case.at is None else case.at for case in cases}
        except ValueError:
            at = {}
    if not at:
        at = {case.key: float(n) for n, case in enumerate(cases)}
        return Places(at, labels, joined=False, doubling=False, many=len(at) > MANY)
    values = sorted(set(at.values()))
    doubling = values[0] > 0 and all(b >= 1.9 * a for a, b in itertools.pairwise(values))
    nearest = min((b - a for a, b in itertools.pairwise(values)), default=math.inf)
    crowded = not doubling and values[0] >= 0 and nearest < CROWDED * (values[-1] - values[0])
    return Places(at, {key: f"{value:g}" for key, value in at.items()}, joined=True, doubling=doubling, crowded=crowded)


def series_of(ablation: Ablation, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows by the curve they are points of, each from left to right."""
    names = {case.key: case.series for case in ablation.cases}
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(names[row.case_key], []).append(row)
    return found


def draw(results: Results, rows: Sequence[Row], baselines: Sequence[Row], folder: Path) -> list[Path]:
    """Write `figure.png` and `figure.svg` to `folder`; equal numbers give equal bytes."""
    with styled():
        return save(compose(results, rows, baselines), folder, "figure")


def compose(results: Results, rows: Sequence[Row], baselines: Sequence[Row]) -> Figure:
    """The figure, a panel for each protocol, one above the other as in the paper."""
    ablation, protocols, where = results.ablation, results.protocols, places(results.ablation)
    upright = not where.joined and sum(map(len, where.labels.values())) > LONG_LABEL
    labels = (0.045 if where.many else 0.055) * max(map(len, where.labels.values())) if upright else 0
    below, gap = 0.5 + labels, 0.35 + (labels if where.many else 0)
    drawn = {protocol: [row for row in rows if row.protocol == protocol] for protocol in protocols}
    widest = NARROWEST * max(map(len, drawn.values())) if where.many else 0
    width = max(WIDTH, LEFT + widest + RIGHT)
    figure = Figure(figsize=(width, ABOVE + len(protocols) * (PANEL_HEIGHT + gap) - gap + below))
    margins(figure, LEFT, below, RIGHT, ABOVE, hspace=gap / PANEL_HEIGHT)
    panels = figure.subplots(len(protocols), 1, sharex=not where.many, squeeze=False)[:, 0]
    for axes, protocol in zip(panels, protocols, strict=True):
        rivals = [row for row in baselines if row.protocol in (protocol, "logistic_regression")]
        shown = drawn[protocol]
        _panel(axes, where.of(shown), shown, rivals if shown[0].metric == "top1" else [], results)
        axes.set_title(PROTOCOL_LABELS.get(protocol, protocol), loc="left", fontweight="bold")
    panels[-1].set_xlabel(f"{ablation.axis}, square-root axis" if where.crowded else ablation.axis)
    for axes in panels if where.many else panels[-1:]:
        axes.tick_params(axis="x", rotation=90 if upright else 0, **({"labelsize": 6} if where.many else {}))
    band = "± 1 standard deviation over seeds" if results.seeds > 1 else "one seed: no spread"
    figure.suptitle(f"{ablation.title}, ours: {setting(results)} ({band})", fontsize=8, x=0.02, ha="left")
    return figure


def _panel(axes: Axes, where: Places, rows: Sequence[Row], rivals: Sequence[Row], results: Results) -> None:
    if where.doubling:
        axes.set_xscale("log")
    if where.crowded:
        axes.set_xscale("function", functions=(_root, _square))
    if where.doubling or where.crowded:
        axes.minorticks_off()
    ticks = {place: where.labels[key] for key, place in where.at.items()}  # all, as panels share them
    axes.set_xticks(list(ticks), list(ticks.values()))
    if not where.joined:
        aside = max(0.6, 0.03 * len(where.at))  # for the first and last number
        axes.set_xlim(-aside, max(where.at.values()) + aside)
    axes.set_ylabel(f"ours: {metric(rows[0].protocol).label}", color=OURS)
    handles: list[tuple[float, Line2D]] = []
    series = series_of(results.ablation, rows)
    waiting = [name for name, points in series.items() if len(series) > 1 and all(row.mean is None for row in points)]
    for number, (name, points) in enumerate(series.items()):
        look = SERIES[number % len(SERIES)]
        label = _described(results, points, name)
        handles += _named_only(points, name, look) if name in waiting else _draw_ours(axes, where, points, label, look)
    handles += _draw_rivals(axes, rivals)
    axes.margins(y=0.14)
    if all(row.mean is None for row in (*rows, *rivals)):
        axes.set_yticks([])
    paper = _draw_paper(axes, where, series, paper_setting(results.ablation))
    if results.ablation.default in where.at:
        paper.axvline(
            where.at[results.ablation.default], color="0.93", linewidth=9, zorder=0
        )  # beneath both axes' lines
    if results.scale.name == "paper":  # then, and only then, the numbers mean the same
        low, high = (pick(axis.get_ylim()[end] for axis in (axes, paper)) for end, pick in ((0, min), (1, max)))
        for axis in (axes, paper):
            axis.set_ylim(low, high)
    _legend(axes, paper, handles)
    told = [row for name, points in series.items() if name not in waiting for row in points]
    _write_statuses(axes, where, told, results.seeds)


def _root(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.sign(x) * np.sqrt(np.abs(x))  # the margin reaches below 0


def _square(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.sign(x) * np.square(x)


def _write_statuses(axes: Axes, where: Places, rows: Sequence[Row], seeds: int) -> None:
    """Why a point is not there; where it is but for some seeds, of how many it is the mean."""
    statuses: dict[float, dict[str, None]] = {}
    for row in rows:
        if row.status != "done":
            fewer = row.status == "missing" and row.mean is not None
            told = f"{row.n_seeds} of {seeds} seeds" if fewer else row.status
            statuses.setdefault(where.at[row.case_key], {})[told] = None
    for place, found in statuses.items():
        axes.annotate(
            " / ".join(found), (place, 0.02), xycoords=axes.get_xaxis_transform(), rotation=90, fontsize=6, ha="center"
        )


def _draw_rivals(axes: Axes, rivals: Sequence[Row]) -> list[tuple[float, Line2D]]:
    handles = []
    for row in rivals:
        if row.mean is not None:
            colour, dashes = BASELINES[row.case_key]
            axes.axhline(row.mean, color=colour, linestyle=dashes, linewidth=1.1)
            text = f"{row.case.replace('logistic regression', 'logistic regr.')} {row.mean:.1f}"
            handles.append((row.mean, Line2D([], [], color=colour, linestyle=dashes, linewidth=1.1, label=text)))
    return handles


def _draw_ours(
    axes: Axes, where: Places, rows: Sequence[Row], label: str, look: tuple[str, str]
) -> list[tuple[float, Line2D]]:
    """Our means with their spread; the legend's entry, by height."""
    colour, marker = look
    x = [where.at[row.case_key] for row in rows]
    y = [math.nan if row.mean is None else row.mean for row in rows]  # nan: the curve has a gap
    std = [row.std or 0.0 for row in rows]
    (line,) = axes.plot(x, y, marker=marker, linestyle="-" if where.joined else "none", color=colour, zorder=3)
    if any(std) and where.joined:
        low, high = ([m + sign * s for m, s in zip(y, std, strict=True)] for sign in (-1, 1))
        axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
    elif any(std):
        axes.errorbar(x, y, std, fmt="none", ecolor=colour, capsize=3)
    done = [row for row in rows if row.mean is not None]
    for row in done:
        axes.annotate(
            metric(row.protocol).short(row.mean or 0.0), (where.at[row.case_key], row.mean or 0.0), (0, 5),
            textcoords="offset points", fontsize=6, ha="center", color=colour, zorder=4, rotation=90 * where.many,
            path_effects=[withStroke(linewidth=1.6, foreground="white")],
        )  # fmt: skip
    if done:
        line.set_label(label)
    return [(done[-1].mean or 0.0, line)] if done else []


def _described(results: Results, rows: Sequence[Row], name: str) -> str:
    """The legend's words for a curve of ours: its name or model, and the data."""
    models = dict.fromkeys(row.model for row in rows if row.mean is not None and row.model)
    told = name or (next(iter(models)) if len(models) == 1 else "several models")
    return _wrapped(f"ours, {told}, {data_told(results)}")


def _named_only(rows: Sequence[Row], name: str, look: tuple[str, str]) -> list[tuple[float, Line2D]]:
    """The legend's entry of a curve without a point yet, below those that are drawn: why stands there, once.

    None of a curve that only the paper has: the paper's line has one.
    """
    if all(row.status == "cited" for row in rows):
        return []
    statuses = " / ".join(dict.fromkeys(row.status for row in rows))
    line = Line2D(
        [], [], color=look[0], marker=look[1], linestyle="none", label=_wrapped(f"ours, {name or OTHERS}: {statuses}")
    )
    return [(-math.inf, line)]


def _draw_paper(axes: Axes, where: Places, series: Mapping[str, Sequence[Row]], elsewhere: str) -> Axes:
    """The paper's numbers on an axis of their own: hollow grey markers, dashed."""
    paper: Axes = axes.twinx()
    paper.spines["right"].set_visible(True)
    paper.spines["right"].set(color=PAPER, linestyle="--")
    paper.tick_params(colors=PAPER)
    paper.grid(visible=False)
    known = {name: [row for row in rows if row.paper is not None] for name, rows in series.items()}
    paper.set_axis_on() if any(known.values()) else paper.set_axis_off()
    for number, (name, rows) in enumerate(known.items()):
        if rows:
            paper.set_ylabel(f"paper: {elsewhere}, {metric(rows[0].protocol).label}", color=PAPER, fontsize=7)
            paper.plot(
                [where.at[row.case_key] for row in rows], [row.paper or 0.0 for row in rows],
                marker=SERIES[number % len(SERIES)][1], linestyle="--" if where.joined else "none", color=PAPER,
                markerfacecolor="white", linewidth=1.1, zorder=2,
                label=_wrapped(f"paper{f', {name or OTHERS}' if len(series) > 1 else ''} (right-hand axis)"),
            )  # fmt: skip
    paper.margins(y=0.2)
    axes.set_zorder(paper.get_zorder() + 1)
    axes.patch.set_visible(False)
    return paper


def _wrapped(label: str) -> str:
    return textwrap.fill(label, LEGEND_LINE)


def _legend(axes: Axes, paper: Axes, handles: list[tuple[float, Line2D]]) -> None:
    """Beside the panel, the lines in the order in which they end, the paper's last: it has another axis."""
    ordered = [line for _, line in sorted(handles, key=lambda one: -one[0])]
    theirs = [line for line in paper.lines if not str(line.get_label()).startswith("_")]
    if ordered or theirs:
        figure = axes.get_figure(root=True)
        assert figure is not None
        right = 1 + 0.66 * figure.dpi / axes.bbox.width  # past the paper's ticks and label
        axes.legend(handles=ordered + theirs, loc="center left", bbox_to_anchor=(right, 0.5), fontsize=6.5)

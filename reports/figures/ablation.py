"""The figure of an ablation: for each protocol ours with spread and baselines, the paper's on its own axis."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter

from ablations.spec import PROTOCOL_LABELS, Ablation
from reports.figures.marks import points, strip
from reports.figures.marks.labels import Label, Points, across, traced, write
from reports.figures.marks.places import Places
from reports.figures.marks.places import places as places
from reports.figures.marks.words import bare_told, seeds_told, spread_told, status_told
from reports.figures.style import BASELINES, OURS, PAPER, SERIES, WIDTH, margins, save, styled
from reports.measures.metrics import GROUPED, metric
from reports.results import Results
from reports.tables.rows import Row
from reports.tables.setting import data_told, label_budget, paper_setting

PANEL_HEIGHT = 2.6  # inches
LEFT, RIGHT, ABOVE = 0.6, 2.85, 0.6  # margins in inches; the legend stands on the right
TITLE_PAD = 4  # typographic points between a panel, or the strip above it, and its title
TITLE_LETTERS = 14.5  # an inch, of the figure's title at its usual size
OTHERS = "other rows"  # the name of those that are in no series, beside some that are
LEGEND_LINE = 36  # characters
LONG_LABEL = 58  # characters of all labels together, beyond which they stand upright
NARROWEST = 0.13  # inches, of one of so many rows


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
    drawn, left = _drawn(rows, protocols, where)
    longest = max(len(where.labels[row.case_key]) for shown in drawn.values() for row in shown)
    labels = (0.045 if where.many else 0.055) * longest if upright else 0
    statuses = {protocol: _statuses(results, where.of(shown), shown) for protocol, shown in drawn.items()}
    deep = strip.deep(text for words in statuses.values() for text in words.values())
    widest = NARROWEST * max(map(len, drawn.values())) if where.many else 0
    width = max(WIDTH, LEFT + widest + RIGHT)
    beneath = bare_told(left, int(width / strip.LETTER))
    above, gap = ABOVE + deep, 0.35 + deep + (labels if where.many else 0)
    below = 0.5 + labels + strip.LINE * len(beneath)
    figure = Figure(figsize=(width, above + len(protocols) * (PANEL_HEIGHT + gap) - gap + below))
    margins(figure, LEFT, below, RIGHT, above, hspace=gap / PANEL_HEIGHT)
    panels = figure.subplots(len(protocols), 1, sharex=not where.many, squeeze=False)[:, 0]
    for axes, protocol in zip(panels, protocols, strict=True):
        rivals = [row for row in baselines if row.protocol in (protocol, "logistic_regression")]
        shown = drawn[protocol]
        _panel(axes, where.of(shown), shown, rivals if shown[0].metric == "top1" else [], results)
        strip.above(axes, statuses[protocol])
        title = PROTOCOL_LABELS.get(protocol, protocol)
        axes.set_title(
            title, loc="left", fontweight="bold", pad=TITLE_PAD + 72 * strip.deep(statuses[protocol].values())
        )
    panels[-1].set_xlabel(f"{ablation.axis}, square-root axis" if where.crowded else ablation.axis)
    for axes in panels if where.many else panels[-1:]:
        axes.tick_params(axis="x", rotation=90 if upright else 0, **({"labelsize": 6} if where.many else {}))
    strip.beneath(figure, beneath)
    told = f"{ablation.title}, ours: {_setting(results, rows)} ({spread_told(rows)})"
    size = min(8.0, 8 * TITLE_LETTERS * width / len(told))
    figure.suptitle(told, fontsize=size, x=0.02, y=1 - 0.2 / figure.get_figheight(), ha="left", va="center")
    return figure


def _drawn(
    rows: Sequence[Row], protocols: Sequence[str], where: Places
) -> tuple[dict[str, list[Row]], dict[str, list[Row]]]:
    """The rows of each panel, and those that are left out of it: among many, those with neither number."""
    of_panel = {protocol: [row for row in rows if row.protocol == protocol] for protocol in protocols}
    bare = {
        protocol: [row for row in shown if where.many and row.mean is None and row.paper is None]
        for protocol, shown in of_panel.items()
    }
    bare = {protocol: left for protocol, left in bare.items() if len(left) < len(of_panel[protocol])}  # none is empty
    kept = {p: [row for row in shown if row not in bare.get(p, ())] for p, shown in of_panel.items()}
    return kept, bare


def _setting(results: Results, rows: Sequence[Row]) -> str:
    """Scale, data, label budget, and the n of the numbers there are."""
    told = results.scale.name, data_told(results), label_budget(results), seeds_told(rows, results.seeds)
    return ", ".join(told)


def _panel(axes: Axes, where: Places, rows: Sequence[Row], rivals: Sequence[Row], results: Results) -> None:
    _prepare(axes, where)
    axes.set_ylabel(f"ours: {metric(rows[0].protocol).label}", color=OURS)
    handles: list[tuple[float, Line2D]] = []
    series = series_of(results.ablation, rows)
    waiting, labels = _waiting(series), list[Label]()
    for number, (name, shown) in enumerate(series.items()):
        look = SERIES[number % len(SERIES)]
        if name in waiting:  # side by side, the strip says it row by row
            handles += _named_only(shown, name, look) if where.joined else []
        else:
            handles += _draw_ours(axes, where, shown, _described(results, shown, name), look)
            labels += _numbers(where, shown, look[0])
    handles += _draw_rivals(axes, rivals)
    axes.margins(y=0.14)
    if all(row.mean is None for row in (*rows, *rivals)):
        axes.set_yticks([])
    if axes.get_ylim()[1] >= GROUPED:  # whole numbers would run out of the figure
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    paper = _draw_paper(axes, where, series, paper_setting(results.ablation))
    if results.ablation.default in where.at:
        paper.axvline(
            where.at[results.ablation.default], color="0.93", linewidth=9, zorder=0
        )  # beneath both axes' lines
    if _same_meaning(results, rows):
        low, high = (pick(axis.get_ylim()[end] for axis in (axes, paper)) for end, pick in ((0, min), (1, max)))
        for axis in (axes, paper):
            axis.set_ylim(low, high)
    _legend(axes, paper, handles)
    labels.sort(key=lambda label: label.x)
    write(axes, labels, _in_the_way(axes, paper, where, series, rivals), upright=where.many)


def _same_meaning(results: Results, rows: Sequence[Row]) -> bool:
    """Whether our numbers and the paper's may be read on one scale: of its size, and of no machine in particular."""
    done = any(row.mean is not None for row in rows)
    return results.scale.name == "paper" and done and not metric(rows[0].protocol).of_the_machine


def _prepare(axes: Axes, where: Places) -> None:
    """The x axis of a panel."""
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


def _waiting(series: Mapping[str, Sequence[Row]]) -> list[str]:
    """The curves among several that have no point of ours yet: the legend says why."""
    return [name for name, rows in series.items() if len(series) > 1 and all(row.mean is None for row in rows)]


def _root(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.sign(x) * np.sqrt(np.abs(x))  # the margin reaches below 0


def _square(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.sign(x) * np.square(x)


def _statuses(results: Results, where: Places, rows: Sequence[Row]) -> dict[float, str]:
    """Place → why a point is not there; where it is but for some seeds, of how many it is the mean."""
    series = series_of(results.ablation, rows)
    waiting = _waiting(series) if where.joined else []  # side by side, each row has a place of its own
    found: dict[float, dict[str, None]] = {}
    for row in (row for name, shown in series.items() if name not in waiting for row in shown):
        if told := status_told(row, results.seeds):
            found.setdefault(where.at[row.case_key], {})[told] = None
    for shown in series.values():
        for n, first in points.again(shown).items():
            key, usual = shown[n].case_key, shown[first].case_key
            found.setdefault(where.at[key], {})[f"{_same(shown[n])} as {where.labels[usual]}"] = None
    words = {place: " / ".join(told) for place, told in found.items()}
    return words if where.many else {place: strip.broken(text) for place, text in words.items()}


def _same(row: Row) -> str:
    return "same run" if row.n_seeds == 1 else "same runs"


def _in_the_way(
    axes: Axes, paper: Axes, where: Places, series: Mapping[str, Sequence[Row]], rivals: Sequence[Row]
) -> list[Points]:
    """All that is drawn in a panel, of both axes."""
    found = [across(axes, row.mean) for row in rivals if row.mean is not None]
    for rows in series.values():
        x = [where.at[row.case_key] for row in rows]
        found.append(traced(axes, x, points.means(rows), joined=where.joined))
        found += [traced(axes, *ends) for ends in points.spreads(x, rows)]
        known = [row for row in rows if row.paper is not None]
        theirs = [row.paper or 0.0 for row in known]
        found.append(traced(paper, [where.at[row.case_key] for row in known], theirs, joined=where.joined))
    return found


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
    line = points.draw(axes, [where.at[row.case_key] for row in rows], rows, look, joined=where.joined)
    done = [row.mean for row in rows if row.mean is not None]
    if not done:
        return []
    line.set_label(label)
    return [(done[-1], line), *([(done[-1], points.again_named(look, joined=where.joined))] * bool(points.again(rows)))]


def _numbers(where: Places, rows: Sequence[Row], colour: str) -> list[Label]:
    """What stands beside our points."""
    first = [row for n, row in enumerate(rows) if n not in points.again(rows)]  # a run has one number
    done = [(where.at[row.case_key], row.mean, metric(row.protocol)) for row in first if row.mean is not None]
    return [Label(x, mean, quantity.short(mean), colour) for x, mean, quantity in done]


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

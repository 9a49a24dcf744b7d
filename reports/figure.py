"""The figure of an ablation: for each protocol ours with spread and baselines, the paper's on its own axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablations.spec import PROTOCOL_LABELS, Case
from reports.caption import PAPER_SETTING, setting
from reports.results import Results, metric
from reports.rows import Row

STYLE = Path(__file__).with_name("paper.mplstyle")

# Okabe and Ito's colours, which the colour-blind can tell apart; in grey the dashes, markers and labels do
OURS, PAPER = "#0072B2", "0.45"
BASELINES: dict[str, tuple[str, Any]] = {
    "raw_pixels": ("#D55E00", (0, (6, 2))),
    "pca_features": ("#009E73", (0, (1, 1.5))),
    "untrained": ("#B07AA1", (0, (6, 2, 1, 2))),
    "scratch": ("#806000", (0, (3, 1.5))),
}
WIDTH, PANEL_HEIGHT = 7.4, 3.2  # inches
LEFT, BELOW, RIGHT, ABOVE = 0.6, 0.5, 0.8, 0.55  # margins in inches; an automatic layout takes twice the time
CURVE_SHARE = 0.61  # of the panel's width; the rest holds the labels
LABEL_GAP = 0.062  # of the panel's height


@dataclass(frozen=True)
class _Label:
    """A direct label: where its line ends, the height as a share of the panel, and what to write there."""

    end: float
    height: float
    text: str
    colour: str


def draw(results: Results, rows: Sequence[Row], baselines: Sequence[Row], folder: Path) -> list[Path]:
    """Write `figure.png` and `figure.svg` to `folder`; equal numbers give equal bytes."""
    with rc_context(fname=STYLE):
        figure = compose(results, rows, baselines)
        paths = [folder / "figure.png", folder / "figure.svg"]
        figure.savefig(paths[0], metadata={"Software": None})
        figure.savefig(paths[1], metadata={"Date": None, "Creator": None})
    return paths


def compose(results: Results, rows: Sequence[Row], baselines: Sequence[Row]) -> Figure:
    """The figure, a panel for each protocol."""
    ablation = results.ablation
    protocols = results.protocols
    height = PANEL_HEIGHT * len(protocols)
    figure = Figure(figsize=(WIDTH, height))
    figure.subplots_adjust(LEFT / WIDTH, BELOW / height, 1 - RIGHT / WIDTH, 1 - ABOVE / height, hspace=0.2)
    panels = figure.subplots(len(protocols), 1, sharex=True, squeeze=False)[:, 0]
    for axes, protocol in zip(panels, protocols, strict=True):
        drawn = [row for row in rows if row.protocol == protocol]
        rivals = [row for row in baselines if row.protocol in (protocol, "logistic_regression")]
        _panel(axes, _positions(ablation.cases, ablation.figure), drawn, rivals, results)
        axes.set_title(PROTOCOL_LABELS.get(protocol, protocol), loc="left", fontweight="bold")
    panels[-1].set_xlabel(ablation.axis)
    band = "band: ± 1 standard deviation over seeds" if results.seeds > 1 else "one seed: no spread"
    figure.suptitle(f"{ablation.title}, ours: {setting(results)} ({band})", fontsize=8, x=0.02, ha="left")
    return figure


def _quantity(protocol: str) -> str:
    name, unit = metric(protocol)
    return "top-1 (%)" if unit == "%" else name


def _positions(cases: Sequence[Case], kind: str) -> dict[str, float]:
    """Case key → place on the x axis: the key's own number for curves, 0, 1, 2 … otherwise."""
    try:
        return {case.key: float(case.key) if kind == "curves" else at for at, case in enumerate(cases)}
    except ValueError:
        return {case.key: at for at, case in enumerate(cases)}


def _panel(axes: Axes, at: dict[str, float], rows: Sequence[Row], rivals: Sequence[Row], results: Results) -> None:
    curve = results.ablation.figure == "curves"
    left, right = min(at.values()), max(at.values())
    span = (right - left) or 1.0
    axes.set_xlim(left - 0.05 * span, left + 1.05 * span / CURVE_SHARE)
    axes.set_xticks([at[row.case_key] for row in rows])
    axes.set_xticklabels([f"{at[row.case_key]:g}" if curve else row.case for row in rows])
    axes.set_ylabel(f"ours: {_quantity(rows[0].protocol)}", color=OURS)
    _draw_ours(axes, at, rows, joined=curve)
    for row in rivals:
        if row.mean is not None:
            colour, dashes = BASELINES[row.case_key]
            axes.hlines(row.mean, left - 0.05 * span, right, colour, dashes, linewidth=1.1)
    axes.margins(y=0.12)
    if all(row.mean is None for row in (*rows, *rivals)):
        axes.set_yticks([])
    paper = _draw_paper(axes, at, rows, joined=curve)
    if results.scale.name == "paper":  # then, and only then, the numbers mean the same
        low, high = (pick(axis.get_ylim()[end] for axis in (axes, paper)) for end, pick in ((0, min), (1, max)))
        for axis in (axes, paper):
            axis.set_ylim(low, high)
    _write_labels(axes, list(_labels(axes, paper, at, rows, rivals)))
    for row in rows:
        if row.status != "done":
            place = (at[row.case_key], 0.02)
            axes.annotate(row.status, place, xycoords=axes.get_xaxis_transform(), rotation=90, fontsize=6, ha="center")


def _draw_ours(axes: Axes, at: dict[str, float], rows: Sequence[Row], *, joined: bool) -> None:
    x = [at[row.case_key] for row in rows]
    y = [math.nan if row.mean is None else row.mean for row in rows]  # nan: the curve has a gap
    std = [row.std or 0.0 for row in rows]
    axes.plot(x, y, "o-" if joined else "o", color=OURS, zorder=3)
    if any(std) and joined:
        low, high = ([m + sign * s for m, s in zip(y, std, strict=True)] for sign in (-1, 1))
        axes.fill_between(x, low, high, color=OURS, alpha=0.25, linewidth=0)
    elif any(std):
        axes.errorbar(x, y, std, fmt="none", ecolor=OURS, capsize=3)
    for row in rows:
        if row.mean is not None:
            axes.annotate(
                f"{row.mean:.1f}",
                (at[row.case_key], row.mean),
                (0, 5),
                textcoords="offset points",
                fontsize=6,
                ha="center",
                color=OURS,
            )


def _draw_paper(axes: Axes, at: dict[str, float], rows: Sequence[Row], *, joined: bool) -> Axes:
    """The paper's numbers on an axis of their own: hollow grey markers, dashed."""
    paper: Axes = axes.twinx()
    paper.spines["right"].set_visible(True)
    paper.spines["right"].set(color=PAPER, linestyle="--")
    paper.tick_params(colors=PAPER)
    paper.grid(visible=False)
    known = [(at[row.case_key], row.paper) for row in rows if row.paper is not None]
    paper.set_axis_on() if known else paper.set_axis_off()
    if known:
        paper.set_ylabel(f"paper: {PAPER_SETTING},\n{_quantity(rows[0].protocol)}", color=PAPER)
        x, y = zip(*known, strict=True)
        paper.plot(x, y, "o--" if joined else "o", color=PAPER, markerfacecolor="white", linewidth=1.1, zorder=2)
    paper.margins(y=0.2)
    axes.set_zorder(paper.get_zorder() + 1)
    axes.patch.set_visible(False)
    return paper


def _labels(
    axes: Axes, paper: Axes, at: dict[str, float], rows: Sequence[Row], rivals: Sequence[Row]
) -> Iterator[_Label]:
    def height(axis: Axes, value: float) -> float:
        low, high = axis.get_ylim()
        return (value - low) / (high - low)

    done = [row for row in rows if row.mean is not None]
    if done:
        last = done[-1]
        yield _Label(at[last.case_key], height(axes, last.mean or 0.0), f"ours, {last.model}, {last.data}", OURS)
    known = [(at[row.case_key], row.paper) for row in rows if row.paper is not None]
    if known:
        yield _Label(known[-1][0], height(paper, known[-1][1]), "paper (right-hand axis)", PAPER)
    for row in rivals:
        if row.mean is not None:
            yield _Label(
                max(at.values()), height(axes, row.mean), f"{row.case} {row.mean:.1f}", BASELINES[row.case_key][0]
            )


def _write_labels(axes: Axes, labels: Sequence[_Label]) -> None:
    """Write labels in a column beside the curves, pushed apart where lines lie close, each led to by its line's end."""
    ordered = sorted(labels, key=lambda label: label.height)
    heights = _apart([label.height for label in ordered])
    for label, height in zip(ordered, heights, strict=True):
        axes.annotate(
            label.text,
            xy=(label.end, label.height),
            xytext=(CURVE_SHARE + 0.05, height),
            xycoords=axes.get_xaxis_transform(),
            textcoords="axes fraction",
            fontsize=6.5,
            color=label.colour,
            va="center",
            arrowprops={"arrowstyle": "-", "color": label.colour, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 4},
        )


def _apart(heights: Sequence[float]) -> list[float]:
    """`heights`, which rise, moved as little as a pass up and a pass down need to leave a gap between neighbours."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + LABEL_GAP) if placed else max(height, 0.02))
    ceiling = 0.98
    for index in reversed(range(len(placed))):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - LABEL_GAP
    return placed

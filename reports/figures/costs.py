"""What the numbers cost: accuracy against seconds of compute, and how fast each row pre-trains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablations.spec import PROTOCOL_LABELS
from reports.figures.style import OURS, SERIES, WIDTH, margins, note, save, styled
from reports.metrics import metric
from reports.results import Results
from reports.tables.rows import Row

ROW = 0.19  # inches, of a bar
BELOW, LEGEND_LINE, ABREAST = 0.45, 0.19, 2  # inches beneath the panels, of a line of the legend there; its columns


def draw(results: Results, rows: Sequence[Row], memory: Mapping[str, float], folder: Path) -> list[Path]:
    """Write `costs.png` and `costs.svg`; nothing where nothing is done. `memory`: case key → 10⁹ bytes, where known."""
    if not any(row.seconds for row in rows):
        return []
    with styled():
        return save(compose(results, rows, memory), folder, "costs")


def compose(results: Results, rows: Sequence[Row], memory: Mapping[str, float]) -> Figure:
    """Two panels side by side: number against cost, pre-training images per second and peak memory by row."""
    default = results.ablation.default
    rates = {
        f"{row.case} (default)" if row.case_key == default else row.case: (
            row.images_per_second,
            memory.get(row.case_key),
        )
        for row in rows
        if row.images_per_second
    }
    longest = max(map(len, rates), default=0)
    legend = LEGEND_LINE * math.ceil(len(_drawn(results, rows)) / ABREAST)
    height = max(1.8, 0.1 + ROW * len(rates))  # of the panels
    figure = Figure(figsize=(WIDTH, height + 0.35 + BELOW + legend))
    labels = min(2.4, 0.25 + 0.06 * longest)
    margins(figure, 0.6, BELOW + legend, 0.3, 0.35, wspace=2 * (labels + 0.15) / (WIDTH - 0.9 - labels))
    left, right = figure.subplots(1, 2)
    _numbers(left, results, rows)
    if left.get_legend_handles_labels()[0]:  # beneath the panel, where it hides no point
        left.legend(loc="upper left", bbox_to_anchor=(0, -BELOW / height), borderaxespad=0, ncols=ABREAST, fontsize=6.5)
    run = [cell.stages() for cell in (result.cell for result in results.cells) if cell.stage is not None]
    pretrained = all(any(stage.kind == "pretrain" for stage in stages) for stages in run)
    _speeds(right, rates, "pre-training speed" if pretrained else "training speed")
    return figure


def _drawn(results: Results, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows with a number and its cost, by protocol: those that measure the quantity of the first."""
    first = metric(results.protocols[0]).name
    done = [row for row in rows if row.mean is not None and row.seconds and metric(row.protocol).name == first]
    found = {protocol: [row for row in done if row.protocol == protocol] for protocol in results.protocols}
    return {protocol: points for protocol, points in found.items() if points}


def _numbers(axes: Axes, results: Results, rows: Sequence[Row]) -> None:
    first = metric(results.protocols[0])
    spent = [row.seconds for row in rows if row.seconds and metric(row.protocol).name == first.name] or [0.0]
    middle = (min(spent) + max(spent)) / 2
    for protocol, done in _drawn(results, rows).items():
        colour, marker = SERIES[results.protocols.index(protocol) % len(SERIES)]
        x, y = [row.seconds or 0.0 for row in done], [row.mean or 0.0 for row in done]
        name = PROTOCOL_LABELS.get(protocol, protocol)
        axes.errorbar(x, y, [row.std or 0.0 for row in done], fmt=marker, color=colour, label=name, elinewidth=0.8)
        for row in done:
            if row.case_key in (done[0].case_key, results.ablation.default, done[-1].case_key):
                inwards = ("left", 4) if (row.seconds or 0.0) <= middle else ("right", -4)  # never past the panel
                axes.annotate(
                    row.case, (row.seconds or 0.0, row.mean or 0.0), (inwards[1], 3), textcoords="offset points",
                    fontsize=6, ha=inwards[0], color=colour,
                )  # fmt: skip
    axes.set_title(f"{first.label} against compute", loc="left", fontweight="bold")
    axes.set_xlabel("seconds for one number, pre-training included")
    axes.set_ylabel(f"ours: {first.label}")
    axes.margins(x=0.15, y=0.12)


def _speeds(axes: Axes, rates: Mapping[str, tuple[float, float | None]], title: str) -> None:
    """A bar for each row, its speed beside it, and its memory where that is known."""
    if not rates:
        note(axes, f"None of these numbers has a {title}.")
        return
    places = list(range(len(rates)))
    colours = [OURS if name.endswith("(default)") else "0.65" for name in rates]
    axes.barh(places, [rate for rate, _ in rates.values()], color=colours, height=0.7)
    for place, (rate, memory) in zip(places, rates.values(), strict=True):
        told = f"{rate:,.0f}" if memory is None else f"{rate:,.0f}, {memory:.2f} GB"
        axes.annotate(told, (rate, place), (2, 0), textcoords="offset points", fontsize=6, va="center")
    axes.set_yticks(places, list(rates), fontsize=6.5)
    axes.invert_yaxis()
    axes.grid(visible=False)
    measured = any(memory is not None for _, memory in rates.values())
    axes.margins(x=0.45 if measured else 0.15)
    axes.set_title(f"{title}, peak memory" if measured else title, loc="left", fontweight="bold")
    axes.set_xlabel("images per second of each process")

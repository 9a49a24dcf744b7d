"""What the numbers cost: accuracy against the compute of pre-training, and how fast each row pre-trains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablations.spec import PROTOCOL_LABELS
from mae_core.costs import BACKWARD
from mae_core.recipes import PretrainRecipe
from reports.figures.labels import Label, Points, traced, write
from reports.figures.style import OURS, SERIES, WIDTH, margins, note, save, styled
from reports.flops import forward_flops
from reports.metrics import metric
from reports.results import Results
from reports.tables.rows import Row

ROW = 0.19  # inches, of a bar
ALIKE = 1.05  # between the dearest and the cheapest row; below, nothing is to be seen against compute
UNITS = ((1e18, "EFLOPs"), (1e15, "PFLOPs"), (1e12, "TFLOPs"), (1e9, "GFLOPs"), (1e6, "MFLOPs"))
BELOW, LEGEND_LINE, ABREAST = 0.45, 0.19, 2  # inches beneath the panels, of a line of the legend there; its columns


@dataclass(frozen=True)
class Compute:
    """What each row cost, by case key, and how that is told."""

    spent: Mapping[str, float]
    told: str
    counted: bool  # from the recipes, not measured


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
    cost = compute(results, rows)
    drawn = _drawn(results, rows, cost.spent)
    seen = not (cost.counted and _alike(drawn, cost.spent))
    legend = LEGEND_LINE * math.ceil(len(drawn) / ABREAST) if seen else 0.0
    height = max(1.8, 0.1 + ROW * len(rates))  # of the panels
    figure = Figure(figsize=(WIDTH, height + 0.35 + BELOW + legend))
    labels = min(2.4, 0.25 + 0.06 * longest)
    margins(figure, 0.6, BELOW + legend, 0.3, 0.35, wspace=2 * (labels + 0.15) / (WIDTH - 0.9 - labels))
    left, right = figure.subplots(1, 2)
    if seen:
        _numbers(left, results, drawn, cost)
    else:
        note(left, "Pre-training takes the same compute in all rows.")
    if left.get_legend_handles_labels()[0]:  # beneath the panel, where it hides no point
        left.legend(loc="upper left", bbox_to_anchor=(0, -BELOW / height), borderaxespad=0, ncols=ABREAST, fontsize=6.5)
    run = [cell.stages() for cell in (result.cell for result in results.cells) if cell.stage is not None]
    pretrained = all(any(stage.kind == "pretrain" for stage in stages) for stages in run)
    _speeds(right, rates, "pre-training speed" if pretrained else "training speed")
    return figure


def compute(results: Results, rows: Sequence[Row]) -> Compute:
    """FLOPs of the rows' pre-trainings where these are known of any; else seconds, which depend on what ran beside.

    Three forward passes for each image that was seen: a backward pass costs two.
    """
    spent: dict[str, float] = {}
    for result in results.cells:
        for stage in result.cell.stages():
            images = results.records.get(stage.signature, {}).get("metrics", {}).get("images")
            if stage.kind == PretrainRecipe.KIND and images:
                spent[result.cell.case.key] = (1 + BACKWARD) * forward_flops(stage) * images
    if not spent:
        seconds = {row.case_key: row.seconds for row in rows if row.seconds}
        return Compute(seconds, "seconds for one number, with all it rests on", counted=False)
    unit, name = next((pair for pair in UNITS if pair[0] <= max(spent.values())), UNITS[-1])
    told = f"pre-training, {name} (3 × forward × images)"
    return Compute({key: flops / unit for key, flops in spent.items()}, told, counted=True)


def _drawn(results: Results, rows: Sequence[Row], spent: Mapping[str, float]) -> dict[str, list[Row]]:
    """The rows with a number and its cost, by protocol: those that measure the quantity of the first."""
    first = metric(results.protocols[0]).name
    done = [
        row for row in rows if row.mean is not None and row.case_key in spent and metric(row.protocol).name == first
    ]
    found = {protocol: [row for row in done if row.protocol == protocol] for protocol in results.protocols}
    return {protocol: points for protocol, points in found.items() if points}


def _alike(drawn: Mapping[str, Sequence[Row]], spent: Mapping[str, float]) -> bool:
    """Whether all rows cost the same, several of them."""
    costs = {row.case_key: spent[row.case_key] for rows in drawn.values() for row in rows}
    return len(costs) > 1 and max(costs.values()) < ALIKE * min(costs.values())


def _numbers(axes: Axes, results: Results, drawn: Mapping[str, Sequence[Row]], cost: Compute) -> None:
    first, spent = metric(results.protocols[0]), cost.spent
    labels: list[Label] = []
    for protocol, done in drawn.items():
        colour, marker = SERIES[results.protocols.index(protocol) % len(SERIES)]
        x, y = [spent[row.case_key] for row in done], [row.mean or 0.0 for row in done]
        spread = [math.nan if row.std is None else row.std for row in done]  # nan: no bar
        name = PROTOCOL_LABELS.get(protocol, protocol)
        axes.errorbar(x, y, spread, fmt=marker, color=colour, label=name, elinewidth=0.8)
        named = {done[0].case_key, results.ablation.default, done[-1].case_key}
        labels += [Label(a, b, row.case, colour) for a, b, row in zip(x, y, done, strict=True) if row.case_key in named]
    axes.set_title(f"{first.label} against compute", loc="left", fontweight="bold")
    axes.set_xlabel(cost.told)
    axes.set_ylabel(f"ours: {first.label}")
    axes.margins(x=0.15, y=0.12)
    write(axes, labels, [_points(axes, spent[row.case_key], row) for done in drawn.values() for row in done])


def _points(axes: Axes, x: float, row: Row) -> Points:
    mean, std = row.mean or 0.0, row.std or 0.0
    return traced(axes, [x, x, x], [mean - std, mean, mean + std])


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

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
from reports.figures.marks import strip
from reports.figures.style import OURS, SERIES, WIDTH, margins, note, save, styled
from reports.measures.flops import forward_flops
from reports.measures.metrics import metric
from reports.results import Results
from reports.tables.rows import Row

ROW = 0.19  # inches, of a bar
ABOVE = 0.35  # inches, without names
NAME = 0.09  # inches, of a name that stands upright
REMARKS = 0.36  # inches, of what is said beneath the axis of speeds
TITLE_PAD = 6  # typographic points
UNLIKE = 1.5  # between the fastest and the slowest of the seeds, beyond which a speed says little of its row
ALIKE = 1.05  # between the dearest and the cheapest row; below, nothing is to be seen against compute
UNITS = ((1e18, "EFLOPs"), (1e15, "PFLOPs"), (1e12, "TFLOPs"), (1e9, "GFLOPs"), (1e6, "MFLOPs"))
BELOW, LEGEND_LINE, ABREAST = 0.45, 0.19, 2  # inches beneath the panels, of a line of the legend there; its columns


@dataclass(frozen=True)
class Rate:
    """Images per second of a row's runs, and its peak memory in 10⁹ bytes where known."""

    runs: tuple[float, ...]
    memory: float | None

    @property
    def fastest(self) -> float:
        """The one that what ran beside slowed least."""
        return max(self.runs)

    @property
    def spread(self) -> float:
        """How many times as fast as the slowest that is."""
        return max(self.runs) / min(self.runs)


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
    rates = _rates(results, rows, memory)
    longest = max(map(len, rates), default=0)
    cost = compute(results, rows)
    drawn = _drawn(results, rows, cost.spent)
    seen = not (cost.counted and _alike(drawn, cost.spent))
    legend = LEGEND_LINE * math.ceil(len(drawn) / ABREAST) if seen else 0.0
    below = BELOW + max(legend, REMARKS * bool(rates))
    height = max(1.8, 0.1 + ROW * len(rates))  # of the panels
    names = _names(results, drawn, cost.spent) if seen else {}
    above = ABOVE + strip.deep(names.values())
    figure = Figure(figsize=(WIDTH, height + above + below))
    labels = min(2.4, 0.25 + 0.06 * longest)
    margins(figure, 0.6, below, 0.3, above, wspace=2 * (labels + 0.15) / (WIDTH - 0.9 - labels))
    left, right = figure.subplots(1, 2)
    if seen:
        _numbers(left, results, drawn, cost, names)
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


def _names(results: Results, drawn: Mapping[str, Sequence[Row]], spent: Mapping[str, float]) -> dict[float, str]:
    """Cost → the rows that have it, what is written above the panel; the default row first, then from the cheapest."""
    found: dict[float, dict[str, None]] = {}
    rows = {row.case_key: row for of_protocol in drawn.values() for row in of_protocol}
    for key in sorted(rows, key=lambda key: (key != results.ablation.default, spent[key])):
        usual = " (default)" if key == results.ablation.default else ""
        found.setdefault(spent[key], {})[f"{rows[key].case}{usual}"] = None
    told = {cost: list(names) for cost, names in found.items()}
    return {cost: names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "") for cost, names in told.items()}


def _numbers(
    axes: Axes, results: Results, drawn: Mapping[str, Sequence[Row]], cost: Compute, names: Mapping[float, str]
) -> None:
    """The points, with a line from each name above the panel down to its own."""
    first, spent = metric(results.protocols[0]), cost.spent
    for protocol, done in drawn.items():
        colour, marker = SERIES[results.protocols.index(protocol) % len(SERIES)]
        x, y = [spent[row.case_key] for row in done], [row.mean or 0.0 for row in done]
        spread = [math.nan if row.std is None else row.std for row in done]  # nan: no bar
        name = PROTOCOL_LABELS.get(protocol, protocol)
        axes.errorbar(x, y, spread, fmt=marker, color=colour, label=name, elinewidth=0.8)
    axes.set_xlabel(cost.told)
    axes.set_ylabel(f"ours: {first.label}")
    axes.margins(x=0.08, y=0.12)
    apart = _apart(axes, names)
    for place in apart:
        axes.axvline(place, color="0.88", linewidth=0.7, zorder=0)
    strip.above(axes, apart)
    pad = TITLE_PAD + 72 * strip.deep(names.values())
    axes.set_title(f"{first.label} against compute", loc="left", fontweight="bold", pad=pad)


def _apart(axes: Axes, names: Mapping[float, str]) -> dict[float, str]:
    """Those names, the first before all others, that stand far enough from one another to be read."""
    low, high = axes.get_xlim()
    inches = axes.get_position().width * WIDTH / (high - low)
    found: dict[float, str] = {}
    for place, name in names.items():
        if all(abs(place - other) * inches >= NAME for other in found):
            found[place] = name
    return found


def _rates(results: Results, rows: Sequence[Row], memory: Mapping[str, float]) -> dict[str, Rate]:
    """What is written beside a bar → how fast the runs of that row were."""
    found: dict[str, Rate] = {}
    for row in rows:
        by_run: dict[str, float] = {}
        for result in results.by_column[row.case_key, row.protocol]:
            stages = result.cell.stages()
            run = next((stage for stage in stages if stage.kind == PretrainRecipe.KIND), result.cell.stage)
            if run is not None and result.images_per_second:
                by_run[run.signature] = result.images_per_second
        usual = " (default)" if row.case_key == results.ablation.default else ""
        if by_run:
            found[f"{row.case}{usual}"] = Rate(tuple(by_run.values()), memory.get(row.case_key))
    return found


def _speeds(axes: Axes, rates: Mapping[str, Rate], title: str) -> None:
    """A bar for each row as long as its fastest run, a dot for each, and its memory where that is known."""
    if not rates:
        note(axes, f"None of these numbers has a {title}.")
        return
    places = list(range(len(rates)))
    for place, (name, rate) in zip(places, rates.items(), strict=True):
        colour = OURS if name.endswith("(default)") else "0.65"
        unlike = rate.spread > UNLIKE
        axes.barh(
            place, rate.fastest, height=0.7, color="white" if unlike else colour, edgecolor=colour,
            hatch="////" if unlike else None, linewidth=0.8,
        )  # fmt: skip
        if len(rate.runs) > 1:
            axes.plot(rate.runs, [place] * len(rate.runs), "o", color="black", markersize=2, zorder=4)
        told = [f"{rate.fastest:,.0f}", *([] if rate.memory is None else [f"{rate.memory:.2f} GB"])]
        told += [f"{rate.spread:.1f}× apart"] if unlike else []
        axes.annotate(
            ", ".join(told), (rate.fastest, place), (4, 0), textcoords="offset points", fontsize=6, va="center"
        )
    axes.set_yticks(places, list(rates), fontsize=6.5)
    axes.invert_yaxis()
    axes.grid(visible=False)
    measured = any(rate.memory is not None for rate in rates.values())
    marked = any(rate.spread > UNLIKE for rate in rates.values())
    axes.margins(x=0.15 + 0.3 * measured + 0.35 * marked)
    axes.set_title(f"{title}, peak memory" if measured else title, loc="left", fontweight="bold")
    said = ["images per second of each process"]
    said += ["bars: the fastest seed; dots: each"] if any(len(rate.runs) > 1 for rate in rates.values()) else []
    said += [f"hatched: seeds more than {UNLIKE:g}× apart"] if marked else []
    axes.set_xlabel("\n".join([*said, "speeds depend on what else ran beside"]), fontsize=7)

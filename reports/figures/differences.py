"""Each row minus the default row, paired by seed, with 95 % intervals; the paper's differences beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablations.spec import PROTOCOL_LABELS
from reports.figures.marks import strip
from reports.figures.marks.words import status_told
from reports.figures.style import OURS, PAPER, WIDTH, margins, save, styled
from reports.measures.metrics import metric
from reports.results import Results
from reports.tables.rows import Row

ROW = 0.24  # inches


def draw(results: Results, rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write `differences.png` and `differences.svg`; nothing where nothing can be compared."""
    if not any(row.diff is not None and row.case_key != results.ablation.default for row in rows):
        return []
    with styled():
        return save(compose(results, rows), folder, "differences")


def compose(results: Results, rows: Sequence[Row]) -> Figure:
    """A panel for each protocol side by side, a line for each row; no panel where the default row has no number."""
    default = results.ablation.default
    protocols = [protocol for protocol in results.protocols if _comparable(rows, protocol, default)]
    shown = {row.case_key for row in rows if row.protocol in protocols}
    cases = [case for case in results.ablation.cases if case.key in shown - {default}]
    labels = min(3.2, 0.25 + 0.062 * max((len(case.label) for case in cases), default=0))
    drawn = {p: {row.case_key: row for row in rows if row.protocol == p} for p in protocols}
    told = {(p, key): status_told(row, results.seeds) for p in protocols for key, row in drawn[p].items()}
    deep = strip.deep(text for (_, key), text in told.items() if key != default)
    figure = Figure(figsize=(WIDTH, 1.15 + ROW * len(cases)))
    wide = (WIDTH - labels - len(protocols) * (deep + 0.15)) / len(protocols)  # inches, of a panel
    margins(figure, labels, 0.45, deep + 0.15, 0.6, wspace=(deep + 0.15) / wide)
    panels = figure.subplots(1, len(protocols), sharey=True, squeeze=False)[0]
    places = {case.key: place for place, case in enumerate(cases)}
    for axes, protocol in zip(panels, protocols, strict=True):
        _panel(axes, places, drawn[protocol], default, protocol)
        strip.right(axes, {place: told[protocol, key] for key, place in places.items() if told.get((protocol, key))})
    panels[0].set_yticks(list(places.values()), [case.label for case in cases])
    panels[0].set_ylim(len(cases) - 0.4, -0.6)
    usual = results.ablation.case(default).label
    figure.suptitle(
        f"Difference to {usual}: ours filled, the paper's hollow ({_bars(results, rows)})", fontsize=8, x=0.02,
        y=1 - 0.14 / figure.get_figheight(), ha="left", va="center",
    )  # fmt: skip
    return figure


def _bars(results: Results, rows: Sequence[Row]) -> str:
    """What the intervals are, and which rows have none."""
    compared = [row for row in rows if row.diff is not None and row.case_key != results.ablation.default]
    without = [row for row in compared if row.diff_low is None]
    if len(without) == len(compared):
        return "one seed: no interval" if results.seeds == 1 else "one pair of seeds each: no interval"
    return "bars: 95 % t-intervals over paired seeds" + ("; none of one pair" if without else "")


def _comparable(rows: Sequence[Row], protocol: str, default: str) -> bool:
    """Whether the default row has a number of that protocol, ours or the paper's."""
    usual = [row for row in rows if row.protocol == protocol and row.case_key == default]
    return any(row.mean is not None or row.paper is not None for row in usual)


def _panel(axes: Axes, places: dict[str, int], rows: dict[str, Row], default: str, protocol: str) -> None:
    axes.axvline(0, color="0.6", linewidth=0.8)
    quantity = metric(protocol)
    usual = rows[default].paper if default in rows and not quantity.of_the_machine else None
    for key, row in rows.items():
        if key == default:
            continue
        if row.paper is not None and usual is not None:
            axes.plot(row.paper - usual, places[key] + 0.17, "o", color=PAPER, markerfacecolor="white", markersize=4)
        if row.diff is not None:
            if row.diff_low is not None and row.diff_high is not None:
                axes.hlines(places[key] - 0.12, row.diff_low, row.diff_high, color=OURS, linewidth=1.2)
            axes.plot(row.diff, places[key] - 0.12, "o", color=OURS)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"difference in {quantity.label.replace(' (%)', ', points')}")
    axes.set_title(PROTOCOL_LABELS.get(protocol, protocol), loc="left", fontweight="bold")

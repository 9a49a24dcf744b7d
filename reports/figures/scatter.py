"""Fine-tuning against linear probing over all rows of all reports of one scale and data set, ours and the paper's."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.style import SERIES, WIDTH, margins, save, styled

NAME = "scatter"
MARKERS = "osD^vP*X<>"


@dataclass(frozen=True)
class Point:
    """A row that has both numbers."""

    ablation: str
    finetune: float
    linear_probe: float


def draw(folder: Path) -> list[Path]:
    """Write `scatter.png` and `scatter.svg` of the reports in `folder`; nothing where fewer than two rows have both."""
    ours, papers = points(folder, "mean"), points(folder, "paper")
    if len(ours) < 2:
        return []
    with styled():
        return save(compose(ours, papers, folder.name), folder, NAME)


def points(folder: Path, column: str) -> list[Point]:
    """The rows of all tables in `folder` with both numbers in `column`; rows of the same runs once."""
    found: dict[tuple[str, ...], Point] = {}
    for path in sorted(folder.glob("*/table.csv")):
        rows: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["metric"] == "top1" and row[column]:
                    rows.setdefault((row["ablation"], row["case_key"]), {})[row["protocol"]] = row
        for (ablation, key), pair in rows.items():
            if {"finetune", "linear_probe"} <= pair.keys():
                one, other = pair["finetune"], pair["linear_probe"]
                runs = (one["signatures"], other["signatures"]) if column == "mean" else (ablation, key)
                found.setdefault(runs, Point(ablation, float(one[column]), float(other[column])))
    return list(found.values())


def compose(ours: list[Point], papers: list[Point], setting: str) -> Figure:
    """Two panels with axes of their own; each report has one colour and marker in both."""
    names = list(dict.fromkeys(point.ablation for point in (*ours, *papers)))
    looks = {name: (SERIES[n % len(SERIES)][0], MARKERS[n % len(MARKERS)]) for n, name in enumerate(names)}
    figure = Figure(figsize=(WIDTH, 3.0 + 0.16 * -(-len(names) // 4)))
    margins(figure, 0.6, 0.5 + 0.16 * -(-len(names) // 4), 0.15, 0.35, wspace=0.25)
    left, right = figure.subplots(1, 2)
    _panel(left, ours, looks, f"ours ({setting})")
    _panel(right, papers, looks, "paper (ViT-L/16, ImageNet-1K)")
    figure.legend(handles=_entries(left, right), loc="lower center", ncols=4, fontsize=6.5)
    return figure


def _panel(axes: Axes, drawn: list[Point], looks: dict[str, tuple[str, str]], title: str) -> None:
    for name, (colour, marker) in looks.items():
        found = [point for point in drawn if point.ablation == name]
        if found:
            x, y = [point.linear_probe for point in found], [point.finetune for point in found]
            axes.plot(x, y, marker, color=colour, markerfacecolor="none", label=name.replace("_", " "))
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlabel("linear probing, top-1 (%)")
    axes.set_ylabel("fine-tuning, top-1 (%)")


def _entries(*panels: Axes) -> list[Artist]:
    """One line for each name, whichever panel has it."""
    return list({str(line.get_label()): line for axes in panels for line in axes.lines}.values())

"""Fine-tuning against linear probing over all rows of all reports of one scale and data set, ours and the paper's."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablations.paper import ABLATIONS
from ablations.spec import Ablation
from reports.figures.style import MARKERS, SERIES, WIDTH, margins, save, styled
from reports.tables.setting import paper_setting

NAME = "scatter"
DEFAULT = "default row"  # named once, whichever reports have it


@dataclass(frozen=True)
class Point:
    """A row that has both numbers, and their standard deviations, nan where there is none."""

    group: str  # its ablation, or DEFAULT
    finetune: float
    linear_probe: float
    finetune_std: float = math.nan
    linear_probe_std: float = math.nan


def draw(folder: Path) -> list[Path]:
    """Write `scatter.png` and `scatter.svg` of the reports in `folder`; nothing where fewer than two rows have both."""
    ours, papers = points(folder, "mean"), points(folder, "paper")
    if len(ours) < 2:
        return []
    with styled():
        return save(compose(ours, papers, folder.name, _papers_setting(folder)), folder, NAME)


def points(folder: Path, column: str) -> list[Point]:
    """The rows of all tables in `folder` with both numbers in `column`; rows of the same runs once.

    Of the paper's default rows, which its tables repeat, those with the same two numbers are one.
    """
    found: dict[tuple[object, ...], Point] = {}
    for path in sorted(folder.glob("*/table.csv")):
        rows: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["metric"] == "top1" and row[column]:
                    rows.setdefault((row["ablation"], row["case_key"]), {})[row["protocol"]] = row
        usual = _default(path.parent)
        for (ablation, key), pair in rows.items():
            if not {"finetune", "linear_probe"} <= pair.keys():
                continue
            one, other = pair["finetune"], pair["linear_probe"]
            stds = [float(row["std"] or "nan") if column == "mean" else math.nan for row in (one, other)]
            point = Point(DEFAULT if key == usual else ablation, float(one[column]), float(other[column]), *stds)
            theirs = (DEFAULT, point.finetune, point.linear_probe) if key == usual else (ablation, key)
            same = (one["signatures"], other["signatures"]) if column == "mean" else theirs
            if point.group == DEFAULT or same not in found:
                found[same] = point
    return list(found.values())


def _default(report: Path) -> str:
    """The key of the default row; none where the report says nothing of it."""
    try:
        return str(json.loads((report / "report.json").read_text(encoding="utf-8"))["default"])
    except (OSError, ValueError, KeyError):
        return ""


def _papers_setting(folder: Path) -> str:
    """With what the paper's numbers of these reports were measured."""
    names = {path.parent.name for path in folder.glob("*/table.csv")}
    told = {paper_setting(ABLATIONS[name]) for name in names & ABLATIONS.keys() if _has_both(ABLATIONS[name])}
    return next(iter(told)) if len(told) == 1 else "each row's model and data"


def _has_both(ablation: Ablation) -> bool:
    return any({"finetune", "linear_probe"} <= case.paper.keys() for case in ablation.cases)


def compose(ours: list[Point], papers: list[Point], setting: str, elsewhere: str) -> Figure:
    """Two panels with axes of their own; each report has one colour and marker in both, the default row its own."""
    names = [name for name in dict.fromkeys(point.group for point in (*ours, *papers)) if name != DEFAULT]
    looks = {name: (SERIES[n % len(SERIES)][0], MARKERS[n % len(MARKERS)]) for n, name in enumerate(names)}
    lines = -(-(len(names) + 1) // 4)
    figure = Figure(figsize=(WIDTH, 3.0 + 0.16 * lines))
    margins(figure, 0.6, 0.5 + 0.16 * lines, 0.15, 0.35, wspace=0.25)
    left, right = figure.subplots(1, 2)
    _panel(left, ours, looks, f"ours ({setting})")
    _panel(right, papers, looks, f"paper ({elsewhere})")
    figure.legend(handles=_entries(left, right), loc="lower center", ncols=4, fontsize=6.5)
    return figure


def _panel(axes: Axes, drawn: list[Point], looks: dict[str, tuple[str, str]], title: str) -> None:
    for name, (colour, marker) in looks.items():
        found = [point for point in drawn if point.group == name]
        _draw(axes, found, name.replace("_", " "), colour, marker, markerfacecolor="none")
    _draw(axes, [point for point in drawn if point.group == DEFAULT], DEFAULT, "black", "*", markersize=9, zorder=4)
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlabel("linear probing, top-1 (%)")
    axes.set_ylabel("fine-tuning, top-1 (%)")


def _draw(axes: Axes, found: list[Point], label: str, colour: str, marker: str, **look: Any) -> None:
    """The points, and bars of one standard deviation where several seeds give one."""
    if not found:
        return
    x, y = [point.linear_probe for point in found], [point.finetune for point in found]
    axes.plot(x, y, marker, color=colour, label=label, **look)
    spread = [point for point in found if not math.isnan(point.finetune_std + point.linear_probe_std)]
    if spread:
        axes.errorbar(
            [point.linear_probe for point in spread], [point.finetune for point in spread],
            yerr=[point.finetune_std for point in spread], xerr=[point.linear_probe_std for point in spread],
            fmt="none", ecolor=colour, elinewidth=0.8, label="_bars",
        )  # fmt: skip


def _entries(*panels: Axes) -> list[Artist]:
    """One line for each name, whichever panel has it."""
    lines = [line for axes in panels for line in axes.lines if not str(line.get_label()).startswith("_")]
    return list({str(line.get_label()): line for line in lines}.values())

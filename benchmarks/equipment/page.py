"""The page of results: what was measured last by each benchmark, where, and the same as a figure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from matplotlib.figure import Figure
from torch.backends.cpu import get_cpu_capability as capability

from benchmarks.equipment.result import Line
from mae_core.store.provenance import provenance
from reports.figures.style import OURS, WIDTH, margins, save, styled

DOCS = Path(__file__).parents[2] / "docs"
KEPT = "benchmarks.json"  # what was measured, by benchmark
NAME = "benchmarks"
ROW_INCHES = 0.26
UNITS = {"times": (1, " ×"), "share": (100, " %"), "slope": (1, "")}
TICKS = (0.5, 1, 2, 5, 10, 20, 50)
INTRODUCTION = """\
# Benchmarks

Ratios of contestants that take turns on the same machine, round after round: the median over the rounds, and the lowest
and the highest; a number without these was measured once. Above 1, this project is faster, or better than the limit
named. The goal is what was aimed at: at least so much, of a slope at most. Absolute times are given only where a limit
is one. All contestants have the memory settings and the flushing of denormal numbers that workers run with; our steps
check, as the training loop does, that loss and gradient are finite. A share is of the rate that products of large
square matrices by the library named keep up, the median of those done beside each round. `make benchmark` measures
again on your machine; `python -m benchmarks NAME --record` also rewrites its part of this page. All of it is of CPUs;
nothing here was measured on a GPU.

![Ratios with their spread, on a logarithmic axis, with their goals](benchmarks.png)
"""


def record(name: str, lines: Sequence[Line | str], docs: Path = DOCS) -> None:
    """Put what benchmark `name` has found in the place of what it found before, and write the page anew."""
    path = docs / KEPT
    kept: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    kept[name] = {"measured": f"{datetime.now(UTC):%Y-%m-%d}", "machine": _machine(), "lines": list(map(_plain, lines))}
    path.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n")
    (docs / f"{NAME}.md").write_text(INTRODUCTION + "".join(_section(*item) for item in sorted(kept.items())))
    with styled():
        figure = _figure([line for _, part in sorted(kept.items()) for line in part["lines"] if _is_ratio(line)])
        for drawn in save(figure, docs, NAME):
            if drawn.suffix != ".png":
                drawn.unlink()


def _is_ratio(line: Mapping[str, Any]) -> bool:
    return line.get("unit") in {"times", "share"}


def _machine() -> str:
    origin = provenance(device="cpu", threads=1)
    torch, commit = origin["versions"].get("torch", "none"), origin["commit"][:12]
    changed = ", changed" if origin["dirty"] else ""
    vectors, memory = capability(), psutil.virtual_memory().total / 2**30
    return (
        f"{origin['processor']}, {origin['cores']} cores, {vectors}, {memory:.0f} GiB; torch {torch}; "
        f"code {commit}{changed}"
    )


def _plain(line: Line | str) -> dict[str, Any]:
    if isinstance(line, str):
        return {"what": line}
    ratio = {"median": line.ratio.median, "low": line.ratio.low, "high": line.ratio.high}
    return {"what": line.what, "where": line.where, "rival": line.rival, "unit": line.unit, "goal": line.goal, **ratio}


def _section(name: str, part: Mapping[str, Any]) -> str:
    rows = [
        f"| {line['what']} | {line['where']} | {line['rival']} | {_number(line)} | {_goal(line)} |\n"
        for line in part["lines"]
        if "unit" in line
    ]
    said = [f"- {line['what']}\n" for line in part["lines"] if "unit" not in line]
    table = (
        ["| what | where | against | ratio (lowest – highest) | goal |\n| --- | --- | --- | ---: | ---: |\n", *rows]
        if rows
        else []
    )
    return f"\n## {name}\n\n{part['measured']}, {part['machine']}.\n\n{''.join(table)}{''.join(said)}"


def _goal(line: Mapping[str, Any]) -> str:
    scale, unit = UNITS[line["unit"]]
    goal = line.get("goal")
    return "" if goal is None else f"{scale * goal:.3g}{unit}"


def _number(line: Mapping[str, Any]) -> str:
    scale, unit = UNITS[line["unit"]]
    median, low, high = (f"{scale * line[key]:.3g}" for key in ("median", "low", "high"))
    return f"{median}{unit}" if low == high else f"{median}{unit} ({low} – {high})"


def _figure(lines: Sequence[Mapping[str, Any]]) -> Figure:
    figure = Figure((WIDTH, 0.7 + ROW_INCHES * len(lines)))
    axes = figure.subplots()
    places = range(len(lines))
    medians = [line["median"] for line in lines]
    below = [line["median"] - line["low"] for line in lines]
    above = [line["high"] - line["median"] for line in lines]
    axes.errorbar(medians, places, xerr=[below, above], fmt="o", color=OURS, markersize=4, capsize=2)
    goals = [(line["goal"], place) for place, line in enumerate(lines) if line.get("goal")]
    if goals:
        axes.plot(*zip(*goals, strict=True), "|", color="0.2", markersize=11, markeredgewidth=1.5, label="goal")
        axes.legend(loc="lower right", fontsize="x-small")
    axes.axvline(1, color="0.4", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(0.8 * min([1, *(line["low"] for line in lines)]), 1.25 * max(line["high"] for line in lines))
    shown = [tick for tick in TICKS if axes.get_xlim()[0] < tick < axes.get_xlim()[1]]
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
    axes.minorticks_off()
    axes.set_yticks(places, [_label(line) for line in lines], fontsize="x-small")
    axes.invert_yaxis()
    axes.set_xlabel("times as fast, or as good; share of a limit")
    margins(figure, 4.9, 0.5, 0.15, 0.1)
    return figure


def _label(line: Mapping[str, Any]) -> str:
    against = f" / {line['rival']}" if line["rival"] else ""
    where = ", ".join(line["where"].split(", ")[:2])
    return ", ".join(filter(None, [line["what"], where])) + against

"""Probe accuracy during pre-training: what the features say while they are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.curves import PROBES, Curve
from reports.figures.losses import GAP, HEIGHT, MOST_BANDS
from reports.figures.style import WIDTH, margins, ramp, save, styled
from reports.results import Results

LINE = 0.14  # inches of a line in the legend


def draw(results: Results, curves: Sequence[Curve], folder: Path) -> list[Path]:
    """Write `probing.png` and `probing.svg`; nothing where no journal has a look at the features."""
    if not any(curve.probes for curve in curves):
        return []
    with styled():
        return save(compose(results, curves), folder, "probing")


def compose(results: Results, curves: Sequence[Curve]) -> Figure:
    """A panel for each probe, as they do not rank features alike; colours are those of the loss curves."""
    probes = [probe for probe in PROBES if any(probe in curve.probes for curve in curves)]
    height = max(HEIGHT, (len(curves) + 1) * LINE)
    figure = Figure(figsize=(WIDTH, 0.4 + len(probes) * (height + GAP)))
    margins(figure, 0.6, 0.45, 2.85, 0.4, hspace=GAP / height)
    for axes, probe in zip(figure.subplots(len(probes), 1, squeeze=False)[:, 0], probes, strict=True):
        _panel(axes, curves, probe, results.ablation.default)
        axes.set_title(f"quick probe: {PROBES[probe]}", loc="left", fontweight="bold")
    return figure


def _panel(axes: Axes, curves: Sequence[Curve], probe: str, default: str) -> None:
    drawn = [curve for curve in curves if probe in curve.probes]
    for place, curve in enumerate(drawn):
        found, usual = curve.probes[probe], curve.key == default
        colour = ramp(place / (len(drawn) - 1) if len(drawn) > 1 else 1.0)
        label = f"{curve.label}{' (default)' if usual else ''}  {found.means[-1]:.1f}"
        width = 2.2 if usual else 1.1
        axes.plot(found.epochs, found.means, marker="o", markersize=3, color=colour, linewidth=width, label=label)
        if found.stds and (usual or len(drawn) <= MOST_BANDS):
            low, high = ([m + sign * s for m, s in zip(found.means, found.stds, strict=True)] for sign in (-1, 1))
            axes.fill_between(found.epochs, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set_xlabel("epoch")
    axes.set_ylabel("top-1 (%)")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=6.5)

"""Probe accuracy during pre-training: what the features say while they are learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.losses import GAP, HEIGHT, LINE, MOST_BANDS, band, ends, line
from reports.figures.style import WIDTH, Look, curve_looks, margins, save, styled
from reports.measures.curves import PROBES, Curve
from reports.results import Results


def draw(results: Results, curves: Sequence[Curve], folder: Path) -> list[Path]:
    """Write `probing.png` and `probing.svg`; nothing where no journal has a look at the features."""
    if not any(curve.probes for curve in curves):
        return []
    with styled():
        return save(compose(results, curves), folder, "probing")


def compose(results: Results, curves: Sequence[Curve]) -> Figure:
    """A panel for each probe, as they do not rank features alike; looks are those of the loss curves."""
    probes = [probe for probe in PROBES if any(probe in curve.probes for curve in curves)]
    looks = curve_looks([curve.key for curve in curves], results.ablation.default)
    height = max(HEIGHT, (len(curves) + 1) * LINE)
    figure = Figure(figsize=(WIDTH, 0.4 + len(probes) * (height + GAP)))
    margins(figure, 0.6, 0.45, 2.85, 0.4, hspace=GAP / height)
    for axes, probe in zip(figure.subplots(len(probes), 1, squeeze=False)[:, 0], probes, strict=True):
        _panel(axes, curves, probe, looks, results.ablation.default)
        axes.set_title(f"quick probe: {PROBES[probe]}", loc="left", fontweight="bold")
    return figure


def _panel(axes: Axes, curves: Sequence[Curve], probe: str, looks: Mapping[str, Look], default: str) -> None:
    drawn = [curve for curve in curves if probe in curve.probes]
    for curve in drawn:
        found, usual = curve.probes[probe], curve.key == default
        label = f"{curve.label}{' (default)' if usual else ''}  {found.means[-1]:.1f}"
        line(axes, found.epochs, found.means, looks[curve.key], label)
        if found.stds and (usual or len(drawn) <= MOST_BANDS):
            band(axes, found.epochs, found.means, found.stds, looks[curve.key])
    axes.set_xlabel("epoch")
    if len(drawn) > MOST_BANDS:
        several = [(curve.probes[probe], looks[curve.key]) for curve in drawn if curve.probes[probe].stds]
        ends(axes, [(found.epochs, found.means, found.stds, look) for found, look in several])
    axes.set_ylabel("top-1 (%)")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=6.5, handlelength=3.2)

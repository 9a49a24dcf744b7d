"""The losses of pre-training, with what guesses without learning would score drawn in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.marks.words import TARGETS
from reports.figures.style import WIDTH, Look, curve_looks, margins, save, styled
from reports.measures.curves import Curve
from reports.results import Results

HEIGHT, GAP = 2.4, 0.65  # inches, of a panel and between two
LINE = 0.14  # inches of a line in the legend
DASHES = ((0, (6, 2)), (0, (1, 1.5)), (0, (3, 1.5)))
MOST_BANDS = 4  # beyond which they hide one another, and the default row alone has one, the others a bar at their end
BEHIND, ASIDE = 0.02, 0.012  # shares of the axis, from the last epoch to the first bar, and from one to the next
Trivial = Mapping[str, Mapping[str, float]]
MARKS = 8  # on a curve, about
EARLY = 0.04  # share of a schedule whose losses may stand above the panel


def draw(results: Results, curves: Sequence[Curve], trivial: Trivial, folder: Path) -> list[Path]:
    """Write `losses.png` and `losses.svg`; nothing where no pre-training has begun."""
    if not curves:
        return []
    with styled():
        return save(compose(results, curves, trivial), folder, "losses")


def compose(results: Results, curves: Sequence[Curve], trivial: Trivial) -> Figure:
    """A panel for each kind of target, as their losses have different units; `trivial`: target → predictor → loss."""
    kinds = list(dict.fromkeys(_kind(curve) for curve in curves))
    looks = curve_looks([curve.key for curve in curves], results.ablation.default)
    height = max(HEIGHT, *(LINE * (len(DASHES) + sum(_kind(curve) == kind for curve in curves)) for kind in kinds))
    figure = Figure(figsize=(WIDTH, 0.4 + len(kinds) * (height + GAP)))
    margins(figure, 0.6, 0.45, 2.85, 0.4, hspace=GAP / height)
    for axes, kind in zip(figure.subplots(len(kinds), 1, squeeze=False)[:, 0], kinds, strict=True):
        drawn = [curve for curve in curves if _kind(curve) == kind]
        _panel(axes, drawn, trivial.get(kind, {}), looks, results.ablation.default)
        axes.set_title(f"loss on {TARGETS.get(kind, kind)}", loc="left", fontweight="bold")
    return figure


def _kind(curve: Curve) -> str:
    return curve.recipe.target


def line(
    axes: Axes, x: Sequence[float], y: Sequence[float], look: Look, label: str, marked: tuple[int, int] = (0, 1)
) -> None:
    """A curve in its look, with a marker at every so many points, from the first of them on."""
    axes.plot(
        x, y, color=look.colour, linestyle=look.dashes, linewidth=look.width, marker=look.marker, markersize=3.5,
        markevery=marked, label=label, zorder=2 + (look.width > 2),
    )  # fmt: skip


def band(axes: Axes, x: Sequence[float], means: Sequence[float], stds: Sequence[float], look: Look) -> None:
    """One standard deviation to either side."""
    low, high = ([m + sign * s for m, s in zip(means, stds, strict=True)] for sign in (-1, 1))
    axes.fill_between(x, low, high, color=look.colour, alpha=0.15, linewidth=0)


def ends(axes: Axes, drawn: Sequence[tuple[Sequence[float], Sequence[float], Sequence[float], Look]]) -> None:
    """Behind the last epoch of each curve (epochs, means, deviations, look) its last deviation, side by side."""
    for place, (x, means, stds, look) in enumerate(drawn):
        at = x[-1] + (BEHIND + ASIDE * place) * (x[-1] - x[0] or 1.0)
        axes.errorbar(
            at, means[-1], stds[-1], fmt=look.marker, markersize=2.5, color=look.colour, elinewidth=0.9, capsize=1.2,
            capthick=0.7, label="_end",
        )  # fmt: skip
    if drawn:
        axes.set_xlabel("epoch; on the right: the last ± 1 standard deviation over seeds")


def _panel(
    axes: Axes, curves: Sequence[Curve], trivial: Mapping[str, float], looks: Mapping[str, Look], default: str
) -> None:
    barred = []
    for place, curve in enumerate(curves):
        usual = curve.key == default
        label = f"{curve.label}{' (default)' if usual else ''}  {curve.losses[-1]:.3f}"
        every = max(1, len(curve.losses) // MARKS)
        start = every * place // len(curves)  # neighbours have their markers at other epochs
        line(axes, curve.epochs, curve.losses, looks[curve.key], label, (start, every))
        if curve.stds and (usual or len(curves) <= MOST_BANDS):
            band(axes, curve.epochs, curve.losses, curve.stds, looks[curve.key])
        if curve.stds and len(curves) > MOST_BANDS:
            barred.append((curve.epochs, curve.losses, curve.stds, looks[curve.key]))
    for (name, loss), dashes in zip(trivial.items(), DASHES, strict=False):
        axes.axhline(loss, color="0.35", linestyle=dashes, linewidth=1.0, label=f"{name}  {loss:.3f}")
    later = [loss for c in curves for e, loss in zip(c.epochs, c.losses, strict=True) if e >= EARLY * c.epochs[-1]]
    least, most = min([*later, *trivial.values()]), max([*later, *trivial.values()])
    axes.set_ylim(least - 0.08 * (most - least), most + 0.08 * (most - least or 1.0))
    axes.set_xlabel("epoch")
    ends(axes, barred)
    axes.set_ylabel("pre-training loss")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=6.5, handlelength=3.2)

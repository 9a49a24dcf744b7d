"""The one look of all figures: colours for the colour-blind and for grey prints, and how files are saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("paper.mplstyle")

# Okabe and Ito's colours, which the colour-blind can tell apart; in grey the dashes, markers and labels do
OURS, PAPER = "#0072B2", "0.45"
SERIES = (  # colours and markers of several curves
    (OURS, "o"),
    ("#D55E00", "s"),
    ("#009E73", "D"),
    ("#B07AA1", "^"),
    ("#A67C00", "v"),
    ("#56B4E9", "P"),
    ("#000000", "X"),
)
CURVE_COLOURS = tuple(colour for colour, _ in SERIES[:-1])  # of curves beside a black one
MARKERS = "sD^vP<X>dph"  # of curves beside one with dots
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (2.5, 1)))
BASELINES: dict[str, tuple[str, Any]] = {  # colour, dashes
    "raw_pixels": ("#D55E00", (0, (6, 2))),
    "pca_features": ("#009E73", (0, (1, 1.5))),
    "untrained": ("#B07AA1", (0, (6, 2, 1, 2))),
    "scratch": ("#806000", (0, (3, 1.5))),
}
WIDTH = 7.4  # inches, of every figure but panels


@contextmanager
def styled() -> Iterator[None]:
    """Figures composed and saved within have the one look."""
    with rc_context(fname=STYLE):
        yield


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `name.png` and `name.svg`; equal figures give equal bytes."""
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    figure.savefig(paths[0], metadata={"Software": None})
    figure.savefig(paths[1], metadata={"Date": None, "Creator": None})
    return paths


def margins(figure: Figure, left: float, below: float, right: float, above: float, **spaces: float) -> None:
    """Margins in inches; an automatic layout takes twice the time to draw."""
    width, height = figure.get_size_inches()
    figure.subplots_adjust(left / width, below / height, 1 - right / width, 1 - above / height, **spaces)


@dataclass(frozen=True)
class Look:
    """How a curve among many is drawn."""

    colour: str
    marker: str
    dashes: Any
    width: float


def curve_looks(keys: Sequence[str], default: str) -> dict[str, Look]:
    """A look for each curve, by key: the default row's is black and bold, others differ in all but width."""
    others = [key for key in keys if key != default]
    found = {
        key: Look(CURVE_COLOURS[n % len(CURVE_COLOURS)], MARKERS[n % len(MARKERS)], DASHES[n % len(DASHES)], 1.1)
        for n, key in enumerate(others)
    }
    return found | {key: Look("black", "o", "-", 2.4) for key in keys if key == default}


def note(axes: Axes, text: str) -> None:
    """A sentence in the middle of a panel that has nothing to show."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=7, wrap=True)

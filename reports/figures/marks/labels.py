"""Labels: numbers and names beside points, where they hide neither lines, points nor one another."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.textpath import TextPath

Points = npt.NDArray[np.float64]  # (n, 2), in typographic points
SIZE = 6  # of the letters
STEP = 1.5  # between two samples of a line
GAP = 4.5  # from a point to its label: the marker's radius and a little
OUTSIDE, ON_LABEL = 1000.0, 30.0  # what is worse than to touch one sample of a line
WAYS = (  # to where a label goes from its point, and how many letters' heights further; the first is liked most
    (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0), (1, 1, 0), (-1, 1, 0), (1, -1, 0), (-1, -1, 0),
    (0, 1, 1), (0, -1, 1), (1, 1, 1), (-1, 1, 1), (0, 1, 2), (0, -1, 2),
)  # fmt: skip


@dataclass(frozen=True)
class Label:
    """What is written beside the point (x, y) of the data."""

    x: float
    y: float
    text: str
    colour: str


@dataclass(frozen=True)
class _Box:
    left: float
    low: float
    right: float
    high: float

    def holds(self, points: Points) -> int:
        x, y = points[:, 0], points[:, 1]
        return int(((x > self.left) & (x < self.right) & (y > self.low) & (y < self.high)).sum())

    def meets(self, other: _Box) -> bool:
        return self.left < other.right and other.left < self.right and self.low < other.high and other.low < self.high


def write(axes: Axes, labels: Sequence[Label], lines: Sequence[Points], *, upright: bool = False) -> None:
    """Write `labels` once the limits of `axes` are final; `lines`, as `traced` has them, are what they avoid."""
    obstacles = np.concatenate([*lines, np.empty((0, 2))])
    frame, taken = _frame(axes), list[_Box]()
    for label in labels:
        (at,) = _placed(axes, [label.x], [label.y])
        boxes = [_beside(at, way, *_size(label.text, upright)) for way in WAYS]
        costs = [
            OUTSIDE * _outside(box, frame) + box.holds(obstacles) + ON_LABEL * sum(map(box.meets, taken)) + 0.4 * liked
            for liked, box in enumerate(boxes)
        ]
        box = boxes[int(np.argmin(costs))]
        taken.append(box)
        axes.annotate(
            label.text, (label.x, label.y), ((box.left + box.right) / 2 - at[0], (box.low + box.high) / 2 - at[1]),
            textcoords="offset points", fontsize=SIZE, ha="center", va="center", color=label.colour, zorder=6,
            rotation=90 * upright, path_effects=[withStroke(linewidth=1.6, foreground="white")],
        )  # fmt: skip


def traced(axes: Axes, x: Sequence[float], y: Sequence[float], *, joined: bool = True) -> Points:
    """Samples of a curve of `axes`, whose limits are final, close enough that no label slips between; nan is a gap."""
    points = _placed(axes, x, y)
    found = [points[np.isfinite(points).all(axis=1)].repeat(4, axis=0)]  # a point is worse hidden than a bit of line
    for start, end in itertools.pairwise(points) if joined else ():
        if np.isfinite((start, end)).all():
            shares = np.linspace(0, 1, 2 + int(math.dist(start, end) / STEP))[1:-1, None]
            found.append(start + shares * (end - start))
    return np.concatenate(found)


def across(axes: Axes, y: float) -> Points:
    """Samples of a horizontal line over all of `axes`; thinned, as a halo leaves it readable."""
    left, right = axes.get_xlim()
    return traced(axes, [left, right], [y, y])[4:-4:3]


def _placed(axes: Axes, x: Sequence[float], y: Sequence[float]) -> Points:
    """Where these data stand on the figure."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    axes.get_xlim(), axes.get_ylim()  # what is still to be scaled is scaled now
    placed: Points = axes.transData.transform(np.column_stack((x, y)).astype(float)) * 72 / figure.dpi
    return placed


def _frame(axes: Axes) -> _Box:
    figure = axes.get_figure(root=True)
    assert figure is not None
    return _Box(*(side * 72 / figure.dpi for side in axes.bbox.extents))


@functools.lru_cache(1024)
def _size(text: str, upright: bool) -> tuple[float, float]:
    """How wide and high `text` is with a little air."""
    extent = TextPath((0, 0), text, size=SIZE).get_extents()
    wide, high = float(extent.width) + 2, float(extent.height) + 2
    return (high, wide) if upright else (wide, high)


def _beside(at: npt.NDArray[np.float64], way: tuple[int, int, int], wide: float, high: float) -> _Box:
    across, up, further = way
    off = GAP if not across or not up else GAP * 0.6
    x = at[0] + across * (off + wide / 2)
    y = at[1] + up * (off + high / 2 + further * high)
    return _Box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)


def _outside(box: _Box, frame: _Box) -> bool:
    return box.left < frame.left or box.right > frame.right or box.low < frame.low or box.high > frame.high

"""Our points: means joined where the axis is a quantity, with the spread of those that have one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.tables.rows import Row


def draw(axes: Axes, x: Sequence[float], rows: Sequence[Row], look: tuple[str, str], *, joined: bool) -> Line2D:
    """The means of `rows` at `x`, and their standard deviations: a row of one seed has none, and none is drawn.

    Along a curve they are a band between neighbours that both have one; a row with a neighbour without one has a bar.
    """
    colour, marker = look
    y, std = means(rows), [math.nan if row.std is None else row.std for row in rows]
    (line,) = axes.plot(x, y, marker=marker, linestyle="-" if joined else "none", color=colour, zorder=3)
    known = [not math.isnan(value) for value in std]
    pairs = [a and b for a, b in itertools.pairwise(known)] if joined else []
    if any(pairs):
        low, high = ([m + sign * s for m, s in zip(y, std, strict=True)] for sign in (-1, 1))
        axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
    within = [joined and len(known) > 1 and all(known[max(0, n - 1) : n + 2]) for n in range(len(known))]
    barred = [n for n, here in enumerate(known) if here and not within[n]]
    if barred:
        axes.errorbar(
            [x[n] for n in barred], [y[n] for n in barred], [std[n] for n in barred],
            fmt="none", ecolor=colour, elinewidth=1.2, capsize=3,
        )  # fmt: skip
    return line


def means(rows: Sequence[Row]) -> list[float]:
    """Of each row; nan, a gap in a curve, where there is none."""
    return [math.nan if row.mean is None else row.mean for row in rows]


def spreads(x: Sequence[float], rows: Sequence[Row]) -> list[tuple[list[float], list[float]]]:
    """The lines from the lower to the upper end of each row's spread."""
    found = [(at, row.mean, row.std) for at, row in zip(x, rows, strict=True)]
    return [([at, at], [m - s, m + s]) for at, m, s in found if m is not None and s is not None]

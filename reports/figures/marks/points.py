"""Our points: means joined where the axis is a quantity, with the spread of those that have one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.tables.rows import Row

SMALL = 2.4  # the size of the marker of runs that are drawn already
DOTTED: Literal[":"] = ":"


def draw(axes: Axes, x: Sequence[float], rows: Sequence[Row], look: tuple[str, str], *, joined: bool) -> Line2D:
    """The means of `rows` at `x`, and their standard deviations: a row of one seed has none, and none is drawn.

    Along a curve they are a band between neighbours that both have one; a row with a neighbour without one has a bar.
    Rows of the same runs are one measurement: all but the first are small, and between them is a dotted line, no band.
    """
    colour, marker = look
    y, std = means(rows), [math.nan if row.std is None else row.std for row in rows]
    same, repeats = [alike(*pair) for pair in itertools.pairwise(rows)], again(rows)
    gaps = [joined and equal for equal in same]
    at, mean = _gapped(x, gaps), _gapped(y, gaps)
    full = [n + sum(gaps[:n]) for n in range(len(rows)) if n not in repeats]
    (line,) = axes.plot(
        at, mean, marker=marker, linestyle="-" if joined else "none", color=colour, zorder=3,
        markevery=full if repeats else None,
    )  # fmt: skip
    _draw_again(axes, x, y, look, repeats, [n for n, gap in enumerate(gaps) if gap])
    known = [not math.isnan(value) for value in std]
    pairs = [joined and a and b and not c for (a, b), c in zip(itertools.pairwise(known), same, strict=True)]
    if any(pairs):
        spread = _gapped([s if any(pairs[max(0, n - 1) : n + 1]) else math.nan for n, s in enumerate(std)], gaps)
        low, high = ([m + sign * s for m, s in zip(mean, spread, strict=True)] for sign in (-1, 1))
        axes.fill_between(at, low, high, color=colour, alpha=0.25, linewidth=0)
    barred = [n for n, here in enumerate(known) if here and n not in repeats and not _within(n, pairs, same)]
    if barred:
        axes.errorbar(
            [x[n] for n in barred], [y[n] for n in barred], [std[n] for n in barred],
            fmt="none", ecolor=colour, elinewidth=1.2, capsize=3,
        )  # fmt: skip
    return line


def alike(one: Row, other: Row) -> bool:
    """Whether two rows have their numbers from the same runs."""
    return one.mean is not None and bool(one.signatures) and one.signatures == other.signatures


def again(rows: Sequence[Row]) -> dict[int, int]:
    """Place among `rows` of one whose runs are drawn already → the place of the first that has them."""
    found: dict[int, int] = {}
    for n, row in enumerate(rows):
        first = next((m for m in range(n) if alike(rows[m], row)), None)
        found |= {} if first is None else {n: first}
    return found


def again_named(look: tuple[str, str], *, joined: bool) -> Line2D:
    """The legend's entry of rows whose runs are drawn already."""
    colour, marker = look
    return Line2D(
        [], [], color=colour, marker=marker, markersize=SMALL, linestyle=DOTTED if joined else "none", linewidth=1.1,
        label="small: the same runs again",
    )  # fmt: skip


def _gapped(values: Sequence[float], gaps: Sequence[bool]) -> list[float]:
    """`values` with nan, which a curve leaves out, wherever there is a gap between neighbours."""
    parts = ([value, math.nan] if gap else [value] for value, gap in zip(values, [*gaps, False], strict=True))
    return [*itertools.chain(*parts)]


def _draw_again(
    axes: Axes, x: Sequence[float], y: Sequence[float], look: tuple[str, str], repeats: Collection[int],
    joins: Collection[int],
) -> None:  # fmt: skip
    """The rows at `repeats` small, and the dotted lines from each of `joins` to its neighbour."""
    colour, marker = look
    for n in joins:
        axes.plot(x[n : n + 2], y[n : n + 2], linestyle=DOTTED, linewidth=1.1, color=colour, label="_again")
    if repeats:
        axes.plot(
            [x[n] for n in repeats], [y[n] for n in repeats],
            marker=marker, markersize=SMALL, linestyle="none", color=colour, zorder=3, label="_again",
        )  # fmt: skip


def _within(n: int, pairs: Sequence[bool], same: Sequence[bool]) -> bool:
    """Whether the row at `n` has a band towards each neighbour of other runs, and such a neighbour."""
    beside = [pairs[m] for m in (n - 1, n) if 0 <= m < len(pairs) and not same[m]]
    return bool(beside) and all(beside)


def means(rows: Sequence[Row]) -> list[float]:
    """Of each row; nan, a gap in a curve, where there is none."""
    return [math.nan if row.mean is None else row.mean for row in rows]


def spreads(x: Sequence[float], rows: Sequence[Row]) -> list[tuple[list[float], list[float]]]:
    """The lines from the lower to the upper end of each row's spread."""
    found = [(at, row.mean, row.std) for at, row in zip(x, rows, strict=True)]
    return [([at, at], [m - s, m + s]) for at, m, s in found if m is not None and s is not None]

"""Our points: spread where there is one, and none drawn where there is none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from ablations.paper.mask_ratio import ABLATION
from reports.figures.marks import points
from reports.figures.marks.words import seeds_told, spread_told, status_told
from reports.tables.rows import Row, table_rows
from tests.reports.laboratory import Laboratory


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """Four rows of one seed each."""
    found = table_rows(Laboratory(tmp_path, ABLATION).imagine(lambda cell: 70.0))
    return [row for row in found if row.protocol == "finetune"][:4]


def drawn(rows: list[Row], *spread: int, joined: bool = True) -> tuple[set[float], set[float]]:
    """Where a band is wide, and where bars stand, when the rows at `spread` have a deviation."""
    axes: Axes = Figure().subplots()
    several = [replace(row, std=1.0, n_seeds=3) if n in spread else row for n, row in enumerate(rows)]
    points.draw(axes, range(len(rows)), several, ("black", "o"), joined=joined)
    bands = [path.vertices for c in axes.collections if isinstance(c, PolyCollection) for path in c.get_paths()]
    bars = [s for c in axes.collections if isinstance(c, LineCollection) for s in c.get_segments()]
    return {float(x) for band in bands for x, _ in band}, {float(bar[0][0]) for bar in bars if np.ptp(bar) > 0}


def test_rows_of_one_seed_have_no_spread_at_all(rows: list[Row]) -> None:
    assert drawn(rows) == (set(), set())
    assert drawn(rows, joined=False) == (set(), set())


def test_band_spans_neighbours_that_both_have_a_spread(rows: list[Row]) -> None:
    assert drawn(rows, 0, 1, 2, 3) == ({0.0, 1.0, 2.0, 3.0}, set())
    assert drawn(rows, 0, 1) == ({0.0, 1.0}, {1.0})  # and ends in a bar


def test_a_point_among_others_without_spread_has_a_bar(rows: list[Row]) -> None:
    assert drawn(rows, 2) == (set(), {2.0})
    assert drawn(rows, 1, 2, joined=False) == (set(), {1.0, 2.0})


def test_n_is_told_from_the_fewest_to_the_most(rows: list[Row]) -> None:
    several = [replace(rows[0], std=1.0, n_seeds=3), *rows[1:]]
    assert (seeds_told(rows, 3), seeds_told(several, 3)) == ("n = 1", "n = 1–3")
    assert spread_told(several).endswith("where n > 1")
    assert spread_told([replace(row, mean=None) for row in rows]) == "no number yet"


def test_a_number_that_lacks_seeds_is_not_called_missing(rows: list[Row]) -> None:
    assert status_told(rows[0], 1) == ""
    assert status_told(replace(rows[0], status="missing"), 3) == "1 of 3 seeds"
    assert status_told(replace(rows[0], status="running"), 3) == "1 of 3 seeds, running"
    assert status_told(replace(rows[0], status="missing", mean=None), 3) == "missing"


def test_rows_of_the_same_runs_are_one_measurement(rows: list[Row]) -> None:
    several = [replace(row, std=1.0, n_seeds=3, signatures=name) for row, name in zip(rows, "aaab", strict=True)]
    axes: Axes = Figure().subplots()
    line = points.draw(axes, range(4), several, ("black", "o"), joined=True)
    y = np.asarray(line.get_ydata(), dtype=float)
    assert np.isnan(y).tolist() == [False, True, False, True, False, False]  # no line between them
    assert np.asarray(line.get_xdata())[line.get_markevery()].tolist() == [0, 3]
    assert [list(other.get_xdata()) for other in axes.lines if other.get_linestyle() == ":"] == [[0, 1], [1, 2]]
    assert [list(other.get_xdata()) for other in axes.lines if other.get_markersize() == points.SMALL] == [[1, 2]]
    bands, bars = drawn([replace(row, signatures=name) for row, name in zip(rows, "aaab", strict=True)], 0, 1, 2, 3)
    assert (bands, bars) == ({2.0, 3.0}, {0.0})

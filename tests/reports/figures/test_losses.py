"""Losses and probes by epoch: every row of several seeds has its spread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from ablations.paper.mask_ratio import ABLATION
from mae_core.recipes import PretrainRecipe
from reports.figures import losses, probing
from reports.measures.curves import Curve, Probed
from reports.results import Results
from tests.reports.laboratory import Laboratory

EPOCHS, FALLING = (1.0, 2.0, 3.0), (3.0, 2.0, 1.0)
STDS = (0.3, 0.2, 0.1)


def curves(keys: list[str], stds: tuple[float, ...]) -> list[Curve]:
    """One for each row, a step apart."""
    looks = {"ridge_top1": Probed(EPOCHS, (50.0, 60.0, 70.0), stds, 3 if stds else 1)}
    return [
        Curve(key, key, PretrainRecipe(), EPOCHS, tuple(n + loss for loss in FALLING), stds, EPOCHS, 3, probes=looks)
        for n, key in enumerate(keys)
    ]


def drawn_losses(results: Results, found: list[Curve]) -> Axes:
    return losses.compose(results, found, {}).axes[0]


def drawn_probes(results: Results, found: list[Curve]) -> Axes:
    return probing.compose(results, found).axes[0]


def bars(axes: Axes) -> list[tuple[float, float]]:
    """Where they stand, and half their height."""
    found = [bar for one in axes.collections if isinstance(one, LineCollection) for bar in one.get_segments()]
    return [(float(bar[0][0]), float(np.ptp(bar[:, 1])) / 2) for bar in found]


@pytest.mark.parametrize("draw", [drawn_losses, drawn_probes])
def test_each_of_many_curves_of_several_seeds_has_a_bar_behind_its_end(
    tmp_path: Path, draw: Callable[[Results, list[Curve]], Axes]
) -> None:
    results, keys = Laboratory(tmp_path, ABLATION).results(), [case.key for case in ABLATION.cases]
    found = bars(axes := draw(results, curves(keys, STDS)))
    assert len(found) == len({at for at, _ in found}) == len(keys)
    assert all(at > EPOCHS[-1] for at, _ in found)
    assert [half for _, half in found] == pytest.approx([STDS[-1]] * len(keys))
    assert "standard deviation over seeds" in axes.get_xlabel()
    assert bars(axes := draw(results, curves(keys, ()))) == []
    assert axes.get_xlabel() == "epoch"


@pytest.mark.parametrize("draw", [drawn_losses, drawn_probes])
def test_few_curves_have_bands_instead(tmp_path: Path, draw: Callable[[Results, list[Curve]], Axes]) -> None:
    axes = draw(Laboratory(tmp_path, ABLATION).results(), curves(["10", "75"], STDS))
    assert sum(isinstance(one, PolyCollection) for one in axes.collections) == 2
    assert bars(axes) == []

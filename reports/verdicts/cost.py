"""Cost: which of several rows is the cheapest, by what was computed rather than by the clock where that is known."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mae_core.costs import BACKWARD, cost
from mae_core.recipes import (
    FinetuneRecipe,
    ImportRecipe,
    KnnRecipe,
    LinearProbeRecipe,
    LogisticRegressionRecipe,
    PretrainRecipe,
    RidgeRecipe,
)
from mae_core.signature import Stage
from reports.measures.flops import forward_flops
from reports.results import Result, Results

LEARNERS = (FinetuneRecipe, LinearProbeRecipe, LogisticRegressionRecipe, KnnRecipe, RidgeRecipe)  # from labels
ALIKE = 1.05  # between the dearest and the cheapest; below, no row is called the cheapest


def cheapest(results: Results, rows: Mapping[str, Sequence[Result]]) -> str:
    """What to take of `rows`, label → its results, and by what: "the cheapest, 90 % (0.42 × the FLOPs of 10 %, …)".

    FLOPs follow from the recipes. Seconds, which depend on what ran beside, decide only where the FLOPs of some row
    are not known: of an imported encoder.
    """
    flops = {label: _flops(results, found) for label, found in rows.items()}
    known = {label: count for label, count in flops.items() if count is not None}
    if len(known) == len(rows):
        least, most = (choose(known, key=known.__getitem__) for choose in (min, max))
        if known[most] < ALIKE * known[least]:
            return "any of these, which take the same compute (FLOPs counted from the recipes)"
        return f"the cheapest, {least} ({known[least] / known[most]:.2g} × the FLOPs of {most}, from the recipes)"
    seconds = {label: [r.seconds for r in found if r.seconds is not None] for label, found in rows.items()}
    if not all(seconds.values()):
        return "any of these"
    means = {label: statistics.fmean(found) for label, found in seconds.items()}
    least = min(means, key=means.__getitem__)
    return f"the cheapest, {least} ({means[least]:.0f} s a number by the clock, which depends on what ran beside)"


def _flops(results: Results, found: Sequence[Result]) -> float | None:
    """FLOPs of one number of a row with all it rests on; None where its encoder came from elsewhere."""
    counts = [_flops_of(results, found[0], stage) for stage in found[0].cell.stages()]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _flops_of(results: Results, result: Result, stage: Stage) -> float | None:
    """FLOPs of one stage; None of an imported encoder, whose pre-training nobody here knows.

    Three forward passes for each image of a pre-training: a backward pass costs two.
    """
    recipe = stage.recipe
    if recipe.KIND == PretrainRecipe.KIND and isinstance(recipe, PretrainRecipe):
        images = recipe.epochs * (recipe.train_images or results.info.num_train)
        return (1 + BACKWARD) * forward_flops(stage) * images
    if isinstance(recipe, ImportRecipe):
        return None
    field = "labels" if isinstance(recipe, LEARNERS) else "train_images"
    if getattr(recipe, field, 0) is None:  # all there are; the recipe does not know how many
        everything: dict[str, Any] = {field: results.data_of(result.cell.case).num_train}
        recipe = replace(recipe, **everything)
    return 2 * cost(replace(stage, recipe=recipe))

"""The linear probe's parallel heads against one run for each learning rate."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.equipment.duel import spread
from benchmarks.equipment.homes import empty_home
from benchmarks.equipment.result import Line
from benchmarks.equipment.script import do
from mae_core.data import splits
from mae_core.data.catalogue import describe
from mae_core.data.images import View
from mae_core.recipes import BASELINE, LINEAR_PROBE, LinearProbeRecipe, untrained
from mae_core.scales import MINI
from mae_core.signature import Stage
from mae_core.stages.evaluations.features import features, frozen_encoder
from mae_core.stages.images import images_of
from mae_core.stages.weights import encoder_of
from mae_core.store.run import Store

ROUNDS = 3
LRS = (0.1, 0.3, 1.0, 2.0, 3.0, 6.0, 10.0, 20.0, 30.0, 100.0)


def lines() -> Iterator[Line]:
    """Ten learning rates at mini: the time of ten runs over that of one with ten heads.

    A run of one learning rate has nothing to choose and never looks at held-out images; to choose among ten such runs
    each has to, which is added. Both kinds look at each image once; the paper's protocol passes a new crop of it
    through the encoder in every epoch, for which one learning rate is run and counted ten times.
    """
    with empty_home() as home:
        info = describe(MINI.data, home)
        encoder = Stage(MINI.apply(untrained(BASELINE), info))
        do(encoder, Store(home))
        probe = MINI.apply(LINEAR_PROBE, info)
        assert isinstance(probe, LinearProbeRecipe)
        ratios, by_epoch = [], []
        for seed in range(ROUNDS):
            seeded = replace(probe, seed=seed)
            together = _seconds(home, Stage(replace(seeded, base_lrs=LRS), (encoder,)))
            apart = sum(_seconds(home, Stage(replace(seeded, base_lrs=(lr,)), (encoder,))) for lr in LRS)
            apart += sum(_looking(home, Stage(seeded, (encoder,))) for _ in LRS)
            ratios.append(apart / together)
            cropped = replace(seeded, base_lrs=LRS[:1], views=None, augmentation="random_crop")
            by_epoch.append(len(LRS) * _seconds(home, Stage(cropped, (encoder,))) / together)
    heads = "linear probe, 10 learning rates as parallel heads"
    yield Line(heads, "mini", "one run for each", spread(ratios), goal=8.0)
    yield Line(heads, "mini", "one for each, new crops in every epoch", spread(by_epoch))


def _seconds(home: Path, stage: Stage) -> float:
    begun = time.perf_counter()
    do(stage, Store(home))
    return time.perf_counter() - begun


def _looking(home: Path, stage: Stage) -> float:
    """Seconds for the features of the held-out images."""
    recipe, store = stage.recipe, Store(home)
    assert isinstance(recipe, LinearProbeRecipe)
    images = images_of(recipe, encoder_of(stage), store, "train")
    encoder = frozen_encoder(stage, store)
    begun = time.perf_counter()
    features(encoder, recipe, images, splits.heldout(len(images)), View("eval"))
    return time.perf_counter() - begun

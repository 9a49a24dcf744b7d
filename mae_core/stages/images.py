"""The images a stage reads: opened by its recipe, and divided into those learnt from, chosen on and scored."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch

from mae_core.data import splits
from mae_core.data.images import Images, open_images
from mae_core.errors import DataError
from mae_core.recipes import (
    EncoderRecipe,
    EvaluationRecipe,
    ImportRecipe,
    LogisticRegressionRecipe,
    PretrainRecipe,
    ReconstructRecipe,
)
from mae_core.store.run import Store


def images_of(
    recipe: PretrainRecipe | EvaluationRecipe | ReconstructRecipe,
    shape: EncoderRecipe | LogisticRegressionRecipe,
    store: Store,
    split: Literal["train", "test"],
    *,
    normalised_as: str | None = None,
) -> Images:
    """The images of `recipe`, at the size and channels of `shape`; imported encoders see the pixels they know.

    Pixels are normalised by the constants of the data `normalised_as`, which a model learnt from; None: by their own.
    """
    images = open_images(
        recipe.data, store.home, split, image_size=shape.image_size, in_chans=shape.in_chans,
        fingerprint=recipe.fingerprint, normalised_as=normalised_as,
    )  # fmt: skip
    if isinstance(shape, ImportRecipe) and shape.mean is not None and shape.std is not None:
        return replace(images, mean=shape.mean, std=shape.std)
    return images


def labels_of(recipe: EvaluationRecipe, images: Images) -> torch.Tensor:
    """The images' labels, (n,) int64. Raises DataError where there are none."""
    if images.labels is None:
        raise DataError(f"{recipe.data} has no labels; only pre-training and panels are possible on it.")
    return images.labels


def learnt_from(recipe: EvaluationRecipe, images: Images, *, choosing: bool = False) -> torch.Tensor:
    """The train images whose labels are learnt from.

    The held-out tenth is left out wherever a choice is made on it, and below the full label budget always, so that
    the same images are learnt from when a setting is chosen and when it is scored.
    """
    exclude = choosing or recipe.labels is not None or recipe.evaluate_on == "heldout"
    return splits.labelled(labels_of(recipe, images), recipe.labels, exclude_heldout=exclude)


def scored_on(
    recipe: EvaluationRecipe, train: Images, shape: EncoderRecipe | LogisticRegressionRecipe, store: Store
) -> tuple[Images, torch.Tensor]:
    """The images that give the number, and which of them: the test split, or the held-out part of train."""
    if recipe.evaluate_on == "heldout":
        return train, some(train, splits.heldout(len(train)), recipe.scored_images)
    test = images_of(recipe, shape, store, "test")
    return test, some(test, torch.arange(len(test)), recipe.scored_images)


def some(images: Images, samples: torch.Tensor, count: int | None) -> torch.Tensor:
    """The first `count` of `samples`, None: all; where they are sorted by class, as in folders, spread over all."""
    if count is None or count >= len(samples):
        return samples
    labels = torch.empty(0) if images.labels is None else images.labels[samples]
    if len(labels) and bool((labels[1:] >= labels[:-1]).all()):
        return samples[torch.linspace(0, len(samples) - 1, count, dtype=torch.float64).long()]
    return samples[:count]

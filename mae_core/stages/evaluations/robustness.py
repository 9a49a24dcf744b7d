"""Robustness (Table 13): a fine-tuned classifier on shifted images, inference only."""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from types import MappingProxyType

import torch

from mae_core.data.catalogue import KNOWN, class_names, image_folder
from mae_core.data.folders.listing import list_folder
from mae_core.data.images import Images
from mae_core.errors import DataError, StoreError
from mae_core.model.classifier import Classifier, shape_at
from mae_core.recipes import FinetuneRecipe, RobustnessRecipe
from mae_core.signature import Stage
from mae_core.stages.device import device_of
from mae_core.stages.evaluations.accuracy import top1
from mae_core.stages.images import images_of, some
from mae_core.stages.result import Result
from mae_core.stages.weights import encoder_of, encoder_weights
from mae_core.store.run import Store
from mae_core.training.workspace import Workspace

# AlexNet's errors in per cent on ImageNet-C (Hendrycks and Dietterich 2019), by which its corruption errors are divided
ALEXNET: Mapping[str, float] = MappingProxyType(
    {
        "gaussian_noise": 88.6428,
        "shot_noise": 89.4468,
        "impulse_noise": 92.2640,
        "defocus_blur": 81.9880,
        "glass_blur": 82.6268,
        "motion_blur": 78.5948,
        "zoom_blur": 79.8360,
        "snow": 86.6816,
        "frost": 82.6572,
        "fog": 81.9324,
        "brightness": 56.4592,
        "contrast": 85.3204,
        "elastic_transform": 64.6056,
        "pixelate": 71.7840,
        "jpeg_compression": 60.6500,
    }
)
STAND_IN = (
    "a stand-in for ImageNet-C: corruptions made here from the test images; mce is the plain mean error over them and "
    "their severities, as AlexNet's errors, which others divide by, are known for ImageNet-C alone"
)


def robustness(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Score the parent's classifier on corrupted test images, or on images that are shifted already."""
    recipe, tuned, shape = stage.recipe, _tuned(stage), encoder_of(stage)
    assert isinstance(recipe, RobustnessRecipe)
    workspace.resume()
    shape = shape_at(shape, tuned.resolution)
    images = images_of(recipe, shape, store, "test", normalised_as=tuned.data)
    weights = encoder_weights(stage, store)
    classifier = Classifier(encoder_of(stage), tuned, len(weights["head.weight"]))
    classifier.load_state_dict(weights)
    score = functools.partial(
        top1, classifier.to(device_of(recipe)), recipe, images, columns=_columns(recipe, tuned, store.home)
    )
    if recipe.shift == "corruptions":
        return _on_corruptions(recipe, score, some(images, torch.arange(len(images)), recipe.scored_images))
    return _on_shifted(score, _groups(recipe, store.home, images))


def _tuned(stage: Stage) -> FinetuneRecipe:
    recipe = stage.parents[0].recipe if stage.parents else None
    if not isinstance(recipe, FinetuneRecipe):
        raise StoreError(f"{stage.signature} has no fine-tuning as its parent; plan it again.")
    return recipe


def _columns(recipe: RobustnessRecipe, tuned: FinetuneRecipe, home: Path) -> torch.Tensor | None:
    """Which outputs stand for the images' classes, by the class folders' names; None: all, in their order.

    Sets such as ImageNet-A and -R have 200 of the classes learnt from; the other outputs do not compete there.
    """
    if recipe.fingerprint == tuned.fingerprint:
        return None
    learnt, shown = class_names(tuned.data, home), class_names(recipe.data, home)
    strange = sorted(set(shown) - set(learnt))
    if strange or not shown:
        raise DataError(
            f"{recipe.data} has classes that {tuned.data} has not ({strange[0] if strange else 'unnamed ones'}); name "
            f"its class folders as those of {tuned.data}."
        )
    return torch.tensor([learnt.index(name) for name in shown])


def _groups(recipe: RobustnessRecipe, home: Path, images: Images) -> dict[str, torch.Tensor]:
    """The samples of each CORRUPTION/SEVERITY of the data, so many of each; one group without a name else."""
    members = defaultdict(list)
    named = recipe.data not in KNOWN or recipe.data == "imagenet1k"
    groups = list_folder(image_folder(recipe.data, home)).groups if named else [""] * len(images)
    for sample, group in enumerate(groups):
        members["/".join(group.split("/")[-2:])].append(sample)  # the archives have one folder more around these two
    return {group: some(images, torch.tensor(found), recipe.scored_images) for group, found in members.items()}


def _on_corruptions(recipe: RobustnessRecipe, score: Callable[..., float], samples: torch.Tensor) -> Result:
    from mae_core.data.transforms.corruptions import (  # here, as no other stage needs them
        CORRUPTIONS,
        SEVERITIES,
        corrupted,
    )

    found: dict[str, list[float]] = defaultdict(list)
    for corruption, severity in itertools.product(CORRUPTIONS, SEVERITIES):
        shift = functools.partial(corrupted, corruption=corruption, severity=severity, seed=recipe.seed)
        found[corruption].append(score(samples, shift=shift))
    accuracies = {corruption: fmean(values) for corruption, values in found.items()}
    metrics = {"mce": fmean(100 - accuracy for accuracy in accuracies.values()), "top1": score(samples)}
    return Result({**metrics, **_named(accuracies), "n_test": float(len(samples))}, None, (STAND_IN,))


def _on_shifted(score: Callable[..., float], groups: dict[str, torch.Tensor]) -> Result:
    found: dict[str, list[float]] = defaultdict(list)
    for group, samples in groups.items():
        found[group.split("/")[0]].append(score(samples))
    n_test = float(sum(map(len, groups.values())))
    if list(found) == [""]:
        return Result({"top1": found[""][0], "n_test": n_test})
    accuracies = {corruption: fmean(values) for corruption, values in found.items()}
    errors = {corruption: 100 - accuracy for corruption, accuracy in accuracies.items()}
    known = errors.keys() >= ALEXNET.keys()
    mce = 100 * fmean(errors[name] / ALEXNET[name] for name in ALEXNET) if known else fmean(errors.values())
    remarks = () if known else ("mce is the plain mean error: these are not the fifteen corruptions of ImageNet-C",)
    metrics = {"mce": mce, "top1": fmean(accuracies.values()), **_named(accuracies), "n_test": n_test}
    return Result(metrics, None, remarks)


def _named(accuracies: Mapping[str, float]) -> dict[str, float]:
    return {f"top1_{corruption}": accuracy for corruption, accuracy in accuracies.items()}

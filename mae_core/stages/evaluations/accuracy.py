"""The accuracy of a classifier on the evaluation view of given images."""

from __future__ import annotations

from collections.abc import Callable

import torch

from mae_core.data.images import Images, View
from mae_core.errors import DataError
from mae_core.model.classifier import Classifier
from mae_core.recipes import FinetuneRecipe, RobustnessRecipe
from mae_core.stages.device import autocast, device_of

BATCH = 250

Shift = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # pixels in [0, 1] and their sample numbers → pixels


@torch.inference_mode()
def top1(
    classifier: Classifier,
    recipe: FinetuneRecipe | RobustnessRecipe,
    images: Images,
    samples: torch.Tensor,
    *,
    shift: Shift | None = None,
    columns: torch.Tensor | None = None,
) -> float:
    """Top-1 in per cent on `samples` of `images`.

    Args:
        classifier: in any mode; it is left in evaluation mode.
        recipe: device and precision.
        images: labelled.
        samples: (n,) sample numbers.
        shift: what happens to the pixels before they are normalised.
        columns: (classes,) the classifier's output for each class of the images; None: they are the same classes.
    """
    if images.labels is None:
        raise DataError("These images have no labels, so there is no accuracy on them; name labelled data.")
    classifier.eval()
    device, right = device_of(recipe), 0
    for chunk in samples.split(BATCH):
        pixels = images.pixels(chunk, View("eval"))
        imgs = images.normalise_(pixels if shift is None else shift(pixels, chunk)).to(device)
        with autocast(device, recipe.dtype):
            logits = classifier(imgs)
        found = (logits if columns is None else logits[:, columns]).argmax(dim=1).cpu()
        right += int((found == images.labels[chunk]).sum())
    return 100.0 * right / len(samples)

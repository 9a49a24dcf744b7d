"""Fitting: what the settings of a scaled recipe must be made to agree in, so that every row can be computed."""

from __future__ import annotations

import math
from typing import Any

from mae_core.data.catalogue import DataInfo
from mae_core.recipes import EncoderRecipe, FinetuneRecipe, FittedTargetRecipe, PretrainRecipe, Recipe

IMAGENET_TRAIN = 1_281_167  # images
STRIP = 2  # longer side to shorter, from which a square in the centre shows no more than half of an image
SHORTEST_MEMORY = 0.5  # of averaged weights: the last step never counts for more than half


def fitted(paper: Recipe, scaled: dict[str, Any], usual_patch: int) -> dict[str, Any]:
    """The values that must give way in `scaled`, field → value, of the recipe `paper`.

    Args:
        paper: the recipe that is scaled.
        scaled: all its fields at the scale.
        usual_patch: the scale's patch size, for rows whose own tiles no image of the scale.
    """
    found: dict[str, Any] = {}
    if isinstance(paper, EncoderRecipe):
        found["embed_dim"] = _width(scaled["embed_dim"], scaled["num_heads"])
    if isinstance(paper, PretrainRecipe):
        found["decoder_embed_dim"] = _width(scaled["decoder_embed_dim"], scaled["decoder_num_heads"])
    if isinstance(paper, EncoderRecipe | FittedTargetRecipe) and any(
        side % scaled["patch_size"] for side in scaled["image_size"]
    ):
        found["patch_size"] = usual_patch
    return found


def shaped(image_size: tuple[int, int], patch_size: int, info: DataInfo) -> tuple[int, int]:
    """`image_size`, or for data that are all strips of one size: as many pixels in the strips' shape.

    Sides are multiples of two patches, so that grid sampling stays exact.
    """
    height, width = info.same_size or (1, 1)
    if image_size[0] != image_size[1] or max(height, width) < STRIP * min(height, width):
        return image_size
    step, stretch = 2 * patch_size, math.sqrt(height / width)
    down, across = (max(1, round(side / step)) * step for side in (image_size[0] * stretch, image_size[1] / stretch))
    return down, across


def _width(width: int, heads: int) -> int:
    """The nearest width, at least one step, that heads and 2-D sin-cos positions can share out."""
    step = math.lcm(4, heads)
    return max(1, round(width / step)) * step


def fitted_to_encoder(paper: FinetuneRecipe, usual: EncoderRecipe, encoder: EncoderRecipe) -> dict[str, Any]:
    """Tuned blocks and resolution of `paper` as the same shares of `encoder` as they are of the paper's `usual` one."""
    found: dict[str, Any] = {}
    if paper.tuned_blocks is not None and paper.tuned_blocks >= 1:
        found["tuned_blocks"] = float(max(1, round(paper.tuned_blocks * encoder.depth / usual.depth)))
    if paper.resolution is not None:
        found["resolution"] = tuple(
            _resolution(asked, side, ours, encoder.patch_size)
            for asked, side, ours in zip(paper.resolution, usual.image_size, encoder.image_size, strict=True)
        )
    return found


def _resolution(asked: int, usual: int, ours: int, patch_size: int) -> int:
    return max(1, round(asked / usual * ours / patch_size)) * patch_size


def fitted_memory(paper: FinetuneRecipe, scaled: dict[str, Any], info: DataInfo) -> float | None:
    """The EMA's decay that averages over the same share of the schedule as `paper`'s does on ImageNet-1K."""
    if paper.ema_decay is None:
        return None
    images = scaled["labels"] or info.num_train
    steps = scaled["epochs"] * math.ceil(images / scaled["batch_size"])
    usual_steps = paper.epochs * math.ceil(IMAGENET_TRAIN / paper.batch_size)
    share = (1 - paper.ema_decay) * usual_steps
    return 1.0 - min(share / float(steps), SHORTEST_MEMORY)

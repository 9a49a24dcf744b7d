"""Features of a frozen encoder: what probes learn from."""

from __future__ import annotations

import torch

from mae_core.data.images import Images, View
from mae_core.model.encoder import Encoder
from mae_core.recipes import KnnRecipe, LinearProbeRecipe, RidgeRecipe
from mae_core.signature import Stage
from mae_core.stages.device import autocast, device_of
from mae_core.stages.weights import encoder_of, encoder_weights
from mae_core.store.run import Store

BATCH = 250

ProbeRecipe = LinearProbeRecipe | KnnRecipe | RidgeRecipe


def frozen_encoder(stage: Stage, store: Store) -> Encoder:
    """The encoder that the stage probes, pooled as its recipe says, with its parent's weights."""
    recipe = stage.recipe
    assert isinstance(recipe, ProbeRecipe)
    encoder = Encoder(encoder_of(stage), pooling=recipe.pooling)
    encoder.load_encoder(encoder_weights(stage, store))
    return encoder.to(device_of(recipe)).eval().requires_grad_(False)


@torch.no_grad()
def features(encoder: Encoder, recipe: ProbeRecipe, images: Images, samples: torch.Tensor, view: View) -> torch.Tensor:
    """Features of `samples` under `view`: (N, D) float32 on the recipe's device."""
    device, found = device_of(recipe), []
    for chunk in samples.split(BATCH):
        imgs = images.batch(chunk, view).to(device)
        with autocast(device, recipe.dtype):
            found.append(encoder.features(imgs).float())
    return torch.cat(found)

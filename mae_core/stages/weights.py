"""Final weights: how stages write them and read their parents'."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from mae_core.errors import StoreError
from mae_core.recipes import EncoderRecipe
from mae_core.signature import Stage
from mae_core.store.files import checksum
from mae_core.store.run import Store

WEIGHTS = "weights.safetensors"


def save_weights(folder: Path, module: nn.Module, stage: Stage) -> None:
    """Write the module's weights as safetensors, with the stage that made them in the header."""
    save_tensors(folder, module.state_dict(), stage)


def save_tensors(folder: Path, tensors: Mapping[str, torch.Tensor], stage: Stage, **headers: str) -> None:
    """Write `tensors` as the weights of `stage`, with further headers beside it."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(kept, folder / WEIGHTS, {"stage": json.dumps(stage.document()), **headers})


def encoder_of(stage: Stage) -> EncoderRecipe:
    """The shape of the encoder that `stage` evaluates: its parent, or what its parent was fine-tuned from."""
    for parent in stage.parents[:1]:
        return parent.recipe if isinstance(parent.recipe, EncoderRecipe) else encoder_of(parent)
    raise StoreError(f"{stage.signature} has no encoder above it; plan it again.")


def encoder_weights(stage: Stage, store: Store) -> Mapping[str, torch.Tensor]:
    """The finished weights of the stage's parent."""
    parent = store.run(stage.parents[0].signature)
    if parent.finished is None:
        raise StoreError(f"{parent.signature} is not finished; run it first.")
    path = parent.finished.folder / WEIGHTS
    if not path.is_file():
        raise StoreError(
            f"{parent.signature} is finished but its weights are not here; import a bundle that was exported "
            f"--weights, or remove {parent.folder} to train it again."
        )
    recorded = (parent.record or {}).get("artefacts", {}).get(WEIGHTS)
    if recorded is not None and checksum(path) != recorded:
        raise StoreError(f"{path} is not what was recorded of it; remove {parent.folder} to train it again.")
    return load_file(path)

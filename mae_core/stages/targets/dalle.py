"""DALL-E's encoder as the tokenizer of a pre-training: the named file checked, its tokens given pictures."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from mae_core.data.images import Images
from mae_core.model.patches import patchify
from mae_core.model.targets.dalle import DalleEncoder, DalleFileError, DalleTokenizer
from mae_core.recipes import DalleRecipe
from mae_core.signature import Stage
from mae_core.stages.device import device_of
from mae_core.stages.result import Result
from mae_core.stages.targets.fitted_targets import codebook_metrics, fit_sample, passed, patch_images
from mae_core.stages.weights import save_weights
from mae_core.store.files import checksum
from mae_core.store.run import Store
from mae_core.training.workspace import Workspace


def dalle(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Write the encoder with the mean patch of each token; report how its tokens are used on our images."""
    recipe = stage.recipe
    assert isinstance(recipe, DalleRecipe)
    workspace.resume()
    images, device = patch_images(recipe, store), device_of(recipe)
    with torch.device("meta"):  # initial weights would only be overwritten
        encoder = DalleEncoder()
    encoder.take(_weights(recipe))
    tokenizer = DalleTokenizer(encoder, recipe.patch_size, images.mean, images.std)
    tokenizer = tokenizer.requires_grad_(False).eval().to(device)
    _picture(tokenizer, images, fit_sample(recipe, images), workspace)
    save_weights(workspace.folder, tokenizer, stage)
    return Result(codebook_metrics(tokenizer, recipe, images, device, workspace))


def _weights(recipe: DalleRecipe) -> dict[str, torch.Tensor]:
    """The planned file's tensors. Raises DalleFileError where it is another or absent."""
    path = Path(recipe.file)
    if not path.is_file():
        raise DalleFileError(
            f"{recipe.file or 'the file'} is not there; name the file that `python -m mae_core.dalle convert` wrote."
        )
    if checksum(path) != recipe.sha256:
        raise DalleFileError(f"{path} changed since this run was planned; plan it again by repeating the command.")
    return load_file(path)


@torch.no_grad()
def _picture(tokenizer: DalleTokenizer, images: Images, samples: torch.Tensor, workspace: Workspace) -> None:
    """Give each token the mean of the patches that carry it; one that no patch carries looks like the mean patch."""
    pictures = tokenizer.patch_pictures
    sums = torch.zeros_like(pictures, dtype=torch.float64)
    counts = torch.zeros(len(pictures), 1, dtype=torch.float64, device=pictures.device)
    for imgs in passed(images, samples, pictures.device, workspace):
        tokens = tokenizer.tokens(imgs).flatten()
        sums.index_add_(0, tokens, patchify(imgs, tokenizer.patch_size).flatten(0, 1).double())
        counts += tokens.bincount(minlength=len(counts))[:, None]
    pictures.copy_(torch.where(counts > 0, sums / counts.clamp_min(1), sums.sum(dim=0) / counts.sum()))

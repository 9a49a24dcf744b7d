"""Importing an encoder that others trained: checked against the recipe, then kept like one of ours."""

from __future__ import annotations

import json
from pathlib import Path

from mae_core.convert.named import Named, fetch
from mae_core.convert.reading import DECODER, read
from mae_core.convert.weights import Weights
from mae_core.errors import DataError, RecipeError
from mae_core.model.encoder import Encoder, WeightsError
from mae_core.model.position import resized_position
from mae_core.recipes import ImportRecipe
from mae_core.recipes.imports import content_sha256
from mae_core.signature import Stage
from mae_core.stages.result import Result
from mae_core.stages.weights import save_tensors
from mae_core.store.run import Store
from mae_core.training.workspace import Workspace


def import_encoder(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Write the weights that the recipe names, positions at its image size, with the decoder if there is one.

    Raises UserError where the weights are absent, are not those that were signed, or do not fit the recipe.
    """
    recipe = stage.recipe
    assert isinstance(recipe, ImportRecipe)
    workspace.resume()
    named = fetch(recipe.model) if recipe.model else None
    weights = _from_file(recipe) if named is None else named.weights
    fitting, remarks = fitted(weights, recipe)
    if named is not None:
        remarks += (_held(named, recipe),)
    encoder = Encoder(recipe)
    encoder.load_encoder(fitting.tensors)
    told = {"num_heads": weights.decoder_num_heads, "norm_pix_loss": weights.norm_pix_loss}
    save_tensors(
        workspace.folder, fitting.tensors, stage, **({DECODER: json.dumps(told)} if weights.has_decoder else {})
    )
    numbers = sum(parameter.numel() for parameter in encoder.parameters())
    return Result({"parameters": numbers / 1e6}, remarks=remarks)


def _held(named: Named, recipe: ImportRecipe) -> str:
    """A remark on what timm's name stood for. Raises DataError where it is not what the recipe holds it to."""
    if recipe.sha256 not in ("", named.sha256):
        raise DataError(f"{recipe.model} has weights of sha256 {named.sha256}, not the stated ones; state these.")
    return f"the weights of {recipe.model} have the sha256 {named.sha256}"


def _from_file(recipe: ImportRecipe) -> Weights:
    source = Path(recipe.source)
    if not recipe.source:
        raise RecipeError("ImportRecipe: name a file or a model of timm; `imported(…)` makes such a recipe.")
    if not source.exists():
        raise DataError(f"{source} is gone since it was planned; put it back, or plan it again where it is now.")
    if content_sha256(source) != recipe.sha256:
        raise DataError(f"{source} is not the file that was planned, its content changed; plan it again.")
    return read(source, recipe.format)


def fitted(weights: Weights, recipe: ImportRecipe) -> tuple[Weights, tuple[str, ...]]:
    """`weights` at the recipe's image size, and remarks on what was done or not known.

    Raises WeightsError or RecipeError where the recipe's shape or constants are not theirs.
    """
    if "norm.weight" not in weights.tensors:
        raise WeightsError(
            "these weights were fine-tuned with mean pooling, whose norm comes after the pooling; give the pre-trained "
            "weights, or ones fine-tuned with the class token."
        )
    _refuse_other_shape(weights, recipe)
    tensors, remarks = dict(weights.tensors), list(weights.remarks)
    if weights.num_heads is None:
        remarks.append(f"the file does not say how many heads it has; the recipe's {recipe.num_heads} are taken")
    grid = weights.grid(among=recipe.grid)
    if grid != recipe.grid:
        if weights.network == "beit":
            raise RecipeError(
                f"ImportRecipe: this BEiT's positions are for {grid[0]}×{grid[1]} patches and are not interpolated; "
                f"write that image_size."
            )
        for name in {"pos_embed", "decoder_pos_embed"} & set(tensors):
            tensors[name] = resized_position(tensors[name], grid, recipe.grid)
        remarks.append(f"positions were interpolated from {grid[0]}×{grid[1]} to {recipe.grid[0]}×{recipe.grid[1]}")
    return Weights(tensors, recipe.num_heads, recipe.image_size), tuple(remarks)


def _refuse_other_shape(weights: Weights, recipe: ImportRecipe) -> None:
    if weights.network != recipe.network:
        raise RecipeError(f"ImportRecipe: these weights are of the network {weights.network}; write so in the recipe.")
    known = weights.encoder(weights.num_heads or recipe.num_heads, among=recipe.grid)
    names = ("in_chans", "patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio")
    different = [name for name in names if getattr(known, name) != getattr(recipe, name)]
    if different:
        said = ", ".join(f"{name} {getattr(known, name)}" for name in different)
        raise RecipeError(f"ImportRecipe: these weights have {said}; write so in the recipe.")
    if weights.constants is not None and (recipe.mean, recipe.std) != weights.constants:
        mean, std = weights.constants
        raise RecipeError(f"ImportRecipe: these weights were trained on pixels of mean {mean} and std {std}; write so.")

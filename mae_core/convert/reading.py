"""Reading weights: whatever the format, checked, under our names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from safetensors import SafetensorError, safe_open
from torch import Tensor

from mae_core.convert.huggingface import read_folder
from mae_core.convert.pickled import load_content, unwrapped, without_prefixes
from mae_core.convert.weights import Weights, checked
from mae_core.errors import UserError

Format = Literal["official", "timm", "hf", "ours"]
FORMATS: tuple[Format, ...] = get_args(Format)
# headers: the stage that made a file of ours, what an import knew of its decoder, the shape of a converted file
STAGE, DECODER, SHAPE = "stage", "decoder", "shape"
UNTOLD_TARGET = (
    "the file does not say whether its decoder predicts pixels or pixels normalised by patch, as the released _full "
    "ones do; pixels are taken"
)


def read(path: Path, expected: Format | Literal["auto"] = "auto") -> Weights:
    """The weights in `path`, a file or a Hugging Face folder.

    Raises UserError, in one sentence, where the file is not of the `expected` format, is not readable without running
    what it holds, or holds a network that is not the paper's ViT.
    """
    if not path.exists():
        raise UserError(f"There is no {path}; name a checkpoint file or a Hugging Face folder.")
    try:
        found, weights = _read(path)
    except UserError as error:
        raise type(error)(f"{path.name} cannot be taken in: {str(error).removeprefix(f'{path} ')}") from None
    if expected not in ("auto", found) and {expected, found} - {"timm", "official"}:
        raise UserError(f"{path} is written as {found}, not as {expected}; say so, or auto.")
    return weights


def _read(path: Path) -> tuple[Format, Weights]:
    if path.is_dir():
        return "hf", read_folder(path)
    header: Mapping[str, Any]
    if path.suffix == ".safetensors":
        tensors, header = _open(path)
        tensors = without_prefixes(tensors)
    else:
        content = load_content(path)
        tensors, shape = unwrapped(content, path), content.get(SHAPE)
        header = {SHAPE: shape} if isinstance(shape, dict) else {}
    if any("embeddings.patch_embeddings" in name for name in tensors):
        raise UserError("it was taken out of a Hugging Face folder; give the folder, whose config tells the heads.")
    told = {**_of_stage(header[STAGE]), **_of_decoder(header)} if STAGE in header else _of_shape(header.get(SHAPE, {}))
    weights = Weights(checked(tensors), **told)
    if weights.has_decoder and weights.norm_pix_loss is None:
        weights = replace(weights, remarks=(*weights.remarks, UNTOLD_TARGET))
    if STAGE in header:
        return "ours", weights
    return ("official" if weights.has_decoder else "timm"), weights


def _open(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
            metadata = file.metadata() or {}
        return tensors, {name: json.loads(metadata[name]) for name in (STAGE, DECODER, SHAPE) if name in metadata}
    except (SafetensorError, ValueError, OSError):
        raise UserError("it is damaged or no safetensors file; get it again.") from None


def _of_decoder(header: Mapping[str, Any]) -> dict[str, Any]:
    told = header.get(DECODER, {})
    return {"decoder_num_heads": told["num_heads"], "norm_pix_loss": told["norm_pix_loss"]} if told else {}


def _of_shape(shape: Mapping[str, Any]) -> dict[str, Any]:
    """What a converted file says of itself, which its tensors do not."""
    told = {name: shape.get(name) for name in ("num_heads", "decoder_num_heads", "norm_pix_loss")}
    if shape.get("constants"):
        mean, std = shape["constants"]
        told["constants"] = tuple(mean), tuple(std)
    return {**told, "image_size": tuple(shape["image_size"]) if "image_size" in shape else None}


def _of_stage(stage: Mapping[str, Any]) -> dict[str, Any]:
    """The same, from the stage that trained the weights, or whose parent's encoder it evaluated."""
    resolution = stage["recipe"].get("resolution")  # a fine-tuning's own
    while "num_heads" not in stage["recipe"]:
        if not stage["parents"]:
            return {}
        stage = stage["parents"][0]
    recipe = stage["recipe"]
    told = {"num_heads": recipe["num_heads"], "image_size": tuple(resolution or recipe["image_size"])}
    if "decoder_num_heads" in recipe:
        told |= {
            "decoder_num_heads": recipe["decoder_num_heads"],
            "norm_pix_loss": recipe["target"] == "norm_pixel",
        }
    return told

"""Writing weights: one file for official, timm and ours, a folder for Hugging Face."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from mae_core.convert.huggingface import CONFIG, TENSORS, folder_content
from mae_core.convert.reading import SHAPE, Format
from mae_core.convert.weights import Weights
from mae_core.errors import UserError
from mae_core.model.encoder import is_encoder
from mae_core.recipes import EncoderRecipe
from mae_core.store.files import replacing

TIMM_ENDINGS = (".safetensors", ".pth", ".pt", ".bin")


def write(weights: Weights, encoder: EncoderRecipe, path: Path, form: Format) -> str:
    """Write `weights`, whose encoder has the shape `encoder`, and return a sentence on how to load what was written.

    - official: a `.pth` with the tensors under `model`, as the released checkpoints have them;
    - timm: the encoder (and head) alone, as safetensors or `.pth` by the name's ending;
    - hf: a folder, ViTMAEForPreTraining where there is a decoder, else ViTModel;
    - ours: safetensors.

    All but Hugging Face's also say what tensors do not: the number of heads, and on which pixels they were trained.

    Raises UserError where the format cannot hold these weights, or the path its ending.
    """
    if form == "hf":
        return _write_folder(weights, encoder, path)
    tensors = dict(weights.tensors)
    if form == "timm":
        tensors = {name: t for name, t in tensors.items() if is_encoder(name) or name.startswith(("head.", "fc_norm"))}
    if form == "official" and weights.has_decoder:
        weights.autoencoder(encoder)  # refuses what no released model has
    endings = {"official": TIMM_ENDINGS[1:], "timm": TIMM_ENDINGS, "ours": TIMM_ENDINGS[:1]}[form]
    if path.suffix not in endings:
        raise UserError(f"A file in the format {form} ends in {' or '.join(endings)}; {path.name} does not.")
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    told = _told(weights, encoder)
    with replacing(path) as file:
        if path.suffix == ".safetensors":
            file.write(save(tensors, {SHAPE: json.dumps(told), "format": "pt"}))
        else:
            torch.save({"model": tensors, SHAPE: told} if form == "official" else tensors, file)
    return _loading(weights, encoder, path) if form == "timm" else f"{path}: {len(tensors)} tensors"


def _told(weights: Weights, encoder: EncoderRecipe) -> dict[str, Any]:
    told: dict[str, Any] = {"image_size": list(encoder.image_size), "num_heads": encoder.num_heads}
    more = {
        "decoder_num_heads": weights.decoder_num_heads,
        "norm_pix_loss": weights.norm_pix_loss,
        "constants": weights.constants,
    }
    return told | {name: value for name, value in more.items() if value is not None}


def _loading(weights: Weights, encoder: EncoderRecipe, path: Path) -> str:
    classes = weights.tensors["head.weight"].shape[0] if "head.weight" in weights.tensors else 0
    pooling = "avg" if "fc_norm.weight" in weights.tensors else "token"
    return (
        f"timm.create_model('vit_base_patch16_224', img_size={encoder.image_size}, patch_size={encoder.patch_size}, "
        f"in_chans={encoder.in_chans}, embed_dim={encoder.embed_dim}, depth={encoder.depth}, "
        f"num_heads={encoder.num_heads}, mlp_ratio={encoder.mlp_ratio:g}, num_classes={classes}, "
        f"global_pool='{pooling}', checkpoint_path='{path}')"
    )


def _write_folder(weights: Weights, encoder: EncoderRecipe, path: Path) -> str:
    config, tensors = folder_content(weights, encoder)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file; Hugging Face's format is a folder, name one.")
    path.mkdir(parents=True, exist_ok=True)
    with replacing(path / TENSORS) as file:
        file.write(save(tensors, {"format": "pt"}))
    with replacing(path / CONFIG) as file:
        file.write(json.dumps(config, indent=2).encode() + b"\n")
    return f"transformers.{config['architectures'][0]}.from_pretrained('{path}')"

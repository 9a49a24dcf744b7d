"""Hugging Face's ViTMAE and ViT folders: their parameter names and settings, without their library."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from mae_core.convert.weights import Weights, checked
from mae_core.errors import UserError
from mae_core.model.encoder import WeightsError, is_encoder
from mae_core.recipes import EncoderRecipe

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
TENSORS, PICKLED = "model.safetensors", "pytorch_model.bin"

# the names published checkpoints have; the library of today still reads them, and an older one reads no others
_NAMES = (
    ("decoder_blocks.", "decoder.decoder_layers."),
    ("decoder_", "decoder.decoder_"),
    ("mask_token", "decoder.mask_token"),
    ("blocks.", "vit.encoder.layer."),
    ("cls_token", "vit.embeddings.cls_token"),
    ("pos_embed", "vit.embeddings.position_embeddings"),
    ("patch_embed.proj", "vit.embeddings.patch_embeddings.projection"),
    ("norm.", "vit.layernorm."),
)
_BLOCK_NAMES = (
    ("norm1", "layernorm_before"),
    ("norm2", "layernorm_after"),
    ("attn.proj", "attention.output.dense"),
    ("attn.qkv", "attention.attention.qkv"),
    ("mlp.fc1", "intermediate.dense"),
    ("mlp.fc2", "output.dense"),
)
_QKV = ("query", "key", "value")

# every spelling seen, of published files and of what the library writes today, to ours
_SPELLINGS = (
    (r"^vit\.", ""),
    (r"^(encoder\.layer|layers)\.", "blocks."),
    (r"^decoder\.(decoder_layers|decoder_encoder\.layer)\.", "decoder_blocks."),
    (r"^decoder\.", ""),
    (r"^embeddings\.cls_token", "cls_token"),
    (r"^embeddings\.position_embeddings", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection", "patch_embed.proj"),
    (r"^layernorm\.", "norm."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.(attention\.query|q_proj)\.", ".attn.q."),
    (r"\.attention\.(attention\.key|k_proj)\.", ".attn.k."),
    (r"\.attention\.(attention\.value|v_proj)\.", ".attn.v."),
    (r"\.attention\.(output\.dense|o_proj)\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
)
_LEFT_OUT = re.compile(r"(pooler|classifier)\.")  # heads that features do not pass through


def read_folder(folder: Path) -> Weights:
    """The weights of a ViTMAE or ViT folder. Raises UserError where its network is not ours."""
    config = _json(folder / CONFIG)
    _refuse_other_networks(config)
    tensors = checked(_ours(_tensors(folder)))
    size = config.get("image_size", 224)
    constants = _json(folder / PREPROCESSOR, missing={})
    mean, std = constants.get("image_mean"), constants.get("image_std")
    eps = config.get("layer_norm_eps", 1e-12)
    remarks = () if eps == 1e-6 else (f"its norms were trained with eps {eps:g}, ours have 1e-06",)
    return Weights(
        tensors,
        num_heads=config.get("num_attention_heads", 12),
        image_size=(size, size) if isinstance(size, int) else (int(size[0]), int(size[1])),
        decoder_num_heads=config.get("decoder_num_attention_heads"),
        norm_pix_loss=config.get("norm_pix_loss"),
        constants=(tuple(mean), tuple(std)) if mean and std else None,
        remarks=remarks,
    )


def _json(path: Path, missing: dict[str, Any] | None = None) -> dict[str, Any]:
    if missing is not None and not path.is_file():
        return missing
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        raise UserError(f"{path} is absent or no JSON; give a folder that save_pretrained or a hub wrote.") from None
    return content


def _refuse_other_networks(config: Mapping[str, Any]) -> None:
    kind = config.get("model_type")
    if kind not in ("vit_mae", "vit"):
        raise WeightsError(f"the folder holds a model of type {kind}; only vit_mae and vit are plain ViTs.")
    wanted = {"hidden_act": "gelu", "qkv_bias": True}
    for name, value in wanted.items():
        if config.get(name, value) != value:
            raise WeightsError(f"its {name} is {config[name]}, where the paper's ViT has {value}.")
    if config.get("layer_norm_eps", 1e-12) > 1e-5:
        raise WeightsError(f"its norms have eps {config['layer_norm_eps']:g}, which would give other features.")


def _tensors(folder: Path) -> dict[str, Tensor]:
    if (folder / TENSORS).is_file():
        return load_file(folder / TENSORS)
    if (folder / PICKLED).is_file():
        from mae_core.convert.pickled import load_tensors

        return load_tensors(folder / PICKLED)
    raise UserError(f"{folder} holds neither {TENSORS} nor {PICKLED}; join sharded weights first.")


def _ours(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Hugging Face's tensors under our names, q, k and v together."""
    found: dict[str, Tensor] = {}
    for name, tensor in theirs.items():
        if _LEFT_OUT.match(name):
            continue
        for pattern, ours in _SPELLINGS:
            name = re.sub(pattern, ours, name)
        found[name] = tensor
    for name in [name for name in found if ".attn.q." in name]:
        parts = [name.replace(".attn.q.", f".attn.{part}.") for part in "qkv"]
        if all(part in found for part in parts):
            found[name.replace(".attn.q.", ".attn.qkv.")] = torch.cat([found.pop(part) for part in parts])
    return found


def folder_content(weights: Weights, encoder: EncoderRecipe) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The config and the tensors of a folder that holds `weights`: a ViTMAE with the decoder, else a plain ViT.

    Raises WeightsError where Hugging Face has no such model.
    """
    if encoder.image_size[0] != encoder.image_size[1]:
        raise WeightsError("Hugging Face's ViTMAE takes square images only; convert to timm or official instead.")
    if "norm.weight" not in weights.tensors:
        raise WeightsError("this model pools patches and has its norm after that, which Hugging Face's ViT has not.")
    config = {
        "image_size": encoder.image_size[0],
        "num_channels": encoder.in_chans,
        "patch_size": encoder.patch_size,
        "hidden_size": encoder.embed_dim,
        "num_hidden_layers": encoder.depth,
        "num_attention_heads": encoder.num_heads,
        "intermediate_size": weights.tensors["blocks.0.mlp.fc1.weight"].shape[0],
        "hidden_act": "gelu",
        "qkv_bias": True,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "layer_norm_eps": 1e-6,
        "torch_dtype": "float32",
    }
    if not weights.has_decoder:
        theirs = {name.removeprefix("vit."): t for name, t in _theirs(weights.tensors).items()}
        return {"architectures": ["ViTModel"], "model_type": "vit", **config}, theirs
    whole = weights.autoencoder(encoder)
    config |= {
        "architectures": ["ViTMAEForPreTraining"],
        "model_type": "vit_mae",
        "decoder_hidden_size": whole.decoder_embed_dim,
        "decoder_num_hidden_layers": whole.decoder_depth,
        "decoder_num_attention_heads": whole.decoder_num_heads,
        "decoder_intermediate_size": weights.tensors["decoder_blocks.0.mlp.fc1.weight"].shape[0],
        "mask_ratio": whole.mask_ratio,
        "norm_pix_loss": bool(weights.norm_pix_loss),
    }
    return config, _theirs(weights.tensors)


def _theirs(ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, tensor in ours.items():
        if not is_encoder(name) and not name.startswith(("decoder_", "mask_token")):
            continue  # a head
        renamed = _their_name(name)
        if ".qkv." in renamed:
            chunks = zip(_QKV, tensor.chunk(3), strict=True)
            found |= {renamed.replace(".qkv.", f".{part}."): chunk.contiguous() for part, chunk in chunks}
        else:
            found[renamed] = tensor.contiguous()
    return found


def _their_name(name: str) -> str:
    start, theirs = next(pair for pair in _NAMES if name.startswith(pair[0]))
    renamed = theirs + name.removeprefix(start)
    for ours, theirs in _BLOCK_NAMES:
        renamed = re.sub(rf"(?<=\.){re.escape(ours)}(?=\.)", theirs, renamed)
    return renamed

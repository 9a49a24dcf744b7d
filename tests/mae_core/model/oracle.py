"""Hugging Face's ViTMAE carrying the weights of one of our models."""

from typing import Any

import torch
from torch import Tensor

from mae_core.model.mae import MaskedAutoencoder

SHAPE_NAMES = {
    "embed_dim": "hidden_size",
    "depth": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "decoder_embed_dim": "decoder_hidden_size",
    "decoder_depth": "decoder_num_hidden_layers",
    "decoder_num_heads": "decoder_num_attention_heads",
    "patch_size": "patch_size",
    "in_chans": "num_channels",
    "mask_ratio": "mask_ratio",
}
WEIGHT_NAMES = (
    ("decoder_blocks", "decoder.decoder_layers"),
    ("decoder_", "decoder.decoder_"),
    ("mask_token", "decoder.mask_token"),
    ("blocks", "vit.layers"),
    ("cls_token", "vit.embeddings.cls_token"),
    ("pos_embed", "vit.embeddings.position_embeddings"),
    ("patch_embed.proj", "vit.embeddings.patch_embeddings.projection"),
    ("norm", "vit.layernorm"),
)
BLOCK_NAMES = (("norm1", "layernorm_before"), ("norm2", "layernorm_after"), ("attn.proj", "attention.o_proj"))


def hf_name(name: str) -> str:
    """Hugging Face's name for one of our parameters."""
    start, theirs = next(pair for pair in WEIGHT_NAMES if name.startswith(pair[0]))
    name = theirs + name.removeprefix(start)
    for ours, theirs in BLOCK_NAMES:
        name = name.replace(ours, theirs)
    return name


def hf_tensors(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our tensors under Hugging Face's names, with q, k and v apart."""
    renamed = {}
    for name, tensor in tensors.items():
        if ".attn.qkv." in name:
            parts = zip("qkv", tensor.chunk(3), strict=True)
            renamed |= {hf_name(name).replace("attn.qkv", f"attention.{part}_proj"): chunk for part, chunk in parts}
        else:
            renamed[hf_name(name)] = tensor
    return renamed


def hf_twin(model: MaskedAutoencoder) -> Any:
    """Hugging Face's model of the same recipe and weights; square images only."""
    from transformers import ViTMAEConfig, ViTMAEForPreTraining

    recipe = model.recipe
    config = ViTMAEConfig(
        **{theirs: getattr(recipe, ours) for ours, theirs in SHAPE_NAMES.items()},
        image_size=recipe.image_size[0],
        intermediate_size=4 * recipe.embed_dim,
        decoder_intermediate_size=4 * recipe.decoder_embed_dim,
        layer_norm_eps=1e-6,
        norm_pix_loss=recipe.target == "norm_pixel",
    )
    with torch.device("meta"):
        twin = ViTMAEForPreTraining(config)
    twin.load_state_dict({name: t.clone() for name, t in hf_tensors(model.state_dict()).items()}, assign=True)
    return twin.train()

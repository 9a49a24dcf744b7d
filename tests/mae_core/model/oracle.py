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


def hf_names(name: str) -> list[str]:
    """Hugging Face's names for one of our parameters: three where ours holds query, key and value."""
    start, theirs = next(pair for pair in WEIGHT_NAMES if name.startswith(pair[0]))
    name = theirs + name.removeprefix(start)
    for ours, theirs in BLOCK_NAMES:
        name = name.replace(ours, theirs)
    return [name.replace("attn.qkv", f"attention.{part}_proj") for part in "qkv"] if "attn.qkv" in name else [name]


def hf_tensors(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our tensors under Hugging Face's names, with q, k and v apart."""
    renamed = {}
    for name, tensor in tensors.items():
        names = hf_names(name)
        renamed |= dict(zip(names, tensor.chunk(len(names)), strict=True))
    return renamed


def twin_gradients(model: MaskedAutoencoder, twin: Any) -> dict[str, tuple[Tensor, Tensor]]:
    """Our gradient and the twin's, by our name, of every parameter that is learnt; the twin learns no other."""
    theirs = {name: p.grad for name, p in twin.named_parameters() if p.requires_grad}
    pairs = {
        name: (p.grad, torch.cat([theirs.pop(part) for part in hf_names(name)]))
        for name, p in model.named_parameters()
        if p.requires_grad
    }
    assert not theirs
    return pairs


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

"""Transformer blocks: made by timm, run with whichever attention suits the sequence's length."""

from __future__ import annotations

from typing import Any

import torch
from timm.models.beit import Block as BeitBlock
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional as F

from mae_core.model.linear import linear, with_fast_products

# On a CPU and with narrow heads, plain products beat the fused kernel at these lengths: 5 to 20 % of an attention's
# time at heads 16 wide, 5 % of a whole step at 17 tokens, width 64. Elsewhere the fused kernel is as fast or faster.
PLAIN_LENGTHS = range(12, 49)

# of a BEiT block: a row for each step between two patches, three for the class token
TABLE = "relative_position_bias_table"
LAYER_SCALE = 0.1  # at the start of training; Bao et al. 2022, section 3.1


class LayerNorm(nn.LayerNorm):
    """LayerNorm with the eps of the released models."""

    def __init__(self, dim: int, **where: Any) -> None:
        super().__init__(dim, eps=1e-6, **where)


def make_blocks(dim: int, num_heads: int, mlp_ratio: float, drop_paths: list[float]) -> nn.Sequential:
    """Pre-norm blocks with biases on q, k and v, one for each entry of `drop_paths`."""
    blocks = nn.Sequential(
        *(
            Block(dim, num_heads, mlp_ratio, qkv_bias=True, norm_layer=LayerNorm, drop_path=drop_path)
            for drop_path in drop_paths
        )
    )
    with_fast_products(blocks)
    return blocks


def make_beit_blocks(
    dim: int, num_heads: int, mlp_ratio: float, drop_paths: list[float], grid: tuple[int, int]
) -> nn.Sequential:
    """BEiT's blocks for a class token and the patches of `grid`: relative positions, layer scale, no bias on k."""
    return nn.Sequential(
        *(
            BeitBlock(
                dim, num_heads, qkv_bias=True, mlp_ratio=mlp_ratio, norm_layer=LayerNorm, drop_path=drop_path,
                init_values=LAYER_SCALE, window_size=grid,
            )
            for drop_path in drop_paths
        )
    )  # fmt: skip


def run_blocks(blocks: nn.Sequential, x: Tensor, outputs: int | None = None) -> Tensor:
    """`blocks` in turn over the tokens `x` (N, T, D): (N, T, D), or (N, outputs, D) of the last tokens alone.

    Where fewer outputs are asked for, the last block's queries, projections and MLP are computed for these only.
    """
    fused = _is_fused(x)
    for block in blocks:
        attention: Any = block.attn
        attention.fused_attn = fused
    if outputs is None or outputs == x.shape[1]:
        through: Tensor = blocks(x)
        return through
    return _last(blocks[-1], blocks[:-1](x), outputs)


def _is_fused(x: Tensor) -> bool:
    """Whether the fused attention kernel is the faster one for tokens `x` (N, T, D)."""
    if x.device.type != "cpu":
        return True
    # in bfloat16 on a CPU the fused kernel's backward pass takes 2 to 8 times as long as plain products'
    narrow = torch.is_autocast_enabled("cpu") or x.dtype == torch.bfloat16
    return not narrow and x.shape[1] not in PLAIN_LENGTHS


def _last(block: Any, x: Tensor, outputs: int) -> Tensor:
    """timm's plain `block` over `x` (N, T, D), the last `outputs` tokens of its result: (N, outputs, D)."""
    attention: Any = block.attn
    n, tokens, dim = x.shape
    normed, x = block.norm1(x), x[:, -outputs:]
    weights, biases = attention.qkv.weight.split([dim, 2 * dim]), attention.qkv.bias.split([dim, 2 * dim])
    heads = attention.num_heads, attention.head_dim
    q = linear(normed[:, -outputs:], weights[0], biases[0]).view(n, outputs, *heads).transpose(1, 2)
    k, v = linear(normed, weights[1], biases[1]).view(n, tokens, 2, *heads).permute(2, 0, 3, 1, 4)
    if attention.fused_attn:
        attended = F.scaled_dot_product_attention(q, k, v)
    else:
        attended = ((q * attention.scale) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
    x = x + attention.proj(attended.transpose(1, 2).reshape(n, outputs, dim))
    mlp: Tensor = block.mlp(block.norm2(x))
    return x + mlp

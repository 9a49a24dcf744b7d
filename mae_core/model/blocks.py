"""Transformer blocks: made by timm, run with whichever attention suits the sequence's length."""

from __future__ import annotations

from typing import Any

from timm.models.beit import Block as BeitBlock
from timm.models.vision_transformer import Block
from torch import Tensor, nn

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
    return nn.Sequential(
        *(
            Block(dim, num_heads, mlp_ratio, qkv_bias=True, norm_layer=LayerNorm, drop_path=drop_path)
            for drop_path in drop_paths
        )
    )


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


def run_blocks(blocks: nn.Sequential, x: Tensor) -> Tensor:
    """`blocks` in turn over the tokens `x` (N, T, D): (N, T, D)."""
    fused = x.device.type != "cpu" or x.shape[1] not in PLAIN_LENGTHS
    for block in blocks:
        attention: Any = block.attn
        attention.fused_attn = fused
        x = block(x)
    return x

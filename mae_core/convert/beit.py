"""BEiT's weights by name: blocks with tables of relative positions and layer scale, and no absolute positions.

Its pre-training shares one table among all blocks, its fine-tuning gives each its own, as our blocks have.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from torch import Tensor

from mae_core.model.blocks import TABLE

SHARED = f"rel_pos_bias.{TABLE}"
_OF_PRETRAINING = re.compile(r"mask_token|lm_head\..*|(.*\.)?relative_position_index|" + re.escape(SHARED))
_WHOLE = ("norm1", "norm2", "attn.proj", "mlp.fc1", "mlp.fc2")

IN_A_BLOCK = (
    *(f"{part}.{kind}" for part in _WHOLE for kind in ("weight", "bias")),
    *(f"attn.{name}" for name in ("qkv.weight", "q_bias", "v_bias", TABLE)),
    "gamma_1",
    "gamma_2",
)
_BLOCK = rf"blocks\.\d+\.({'|'.join(map(re.escape, IN_A_BLOCK))})"
NAMES = re.compile(rf"cls_token|(patch_embed\.proj|norm|head|fc_norm)\.(weight|bias)|{_BLOCK}")


def is_beit(tensors: Mapping[str, Tensor]) -> bool:
    """Whether `tensors` have BEiT's positions, scales and biases."""
    return all(any(name.endswith(part) for name in tensors) for part in (TABLE, ".gamma_1", ".q_bias"))


def of_each_block(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`tensors` with the shared table given to each block, and without what only its pre-training uses."""
    found = {name: tensor for name, tensor in tensors.items() if not _OF_PRETRAINING.fullmatch(name)}
    if SHARED in tensors:
        blocks = {name.split(".")[1] for name in tensors if name.startswith("blocks.")}
        found |= {f"blocks.{block}.attn.{TABLE}": tensors[SHARED].clone() for block in blocks}
    return found


def positions(tensors: Mapping[str, Tensor]) -> int:
    """Steps between patches that the tables hold, without the three rows of the class token."""
    return next(tensor.shape[0] for name, tensor in tensors.items() if name.endswith(TABLE)) - 3


def positions_of(grid: tuple[int, int]) -> int:
    """Steps between the patches of `grid`, down and across."""
    return (2 * grid[0] - 1) * (2 * grid[1] - 1)


def square(steps: int) -> tuple[int, int]:
    """The square of patches that would have so many steps."""
    side = (math.isqrt(steps) + 1) // 2
    return side, side

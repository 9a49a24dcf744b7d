"""Initial weights: each parameter drawn from a generator of its own, keyed by seed and parameter name.

So two models that differ in one setting start from equal weights wherever name and shape agree.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mae_core import randomness
from mae_core.model.blocks import TABLE

TOKEN_STD = 0.02  # class and mask tokens, as the released models
LEFT = ("pos_embed", TABLE, "gamma_1", "gamma_2")
HEAD_STD = 2e-5  # the classification head, as the released fine-tuning


@torch.no_grad()
def initialise(module: nn.Module, seed: int, prefix: str = "") -> None:
    """Draw every parameter of `module` anew; positions and layer scales are left as they are.

    `prefix` stands before the names where `module` is a part of a model.

    Linear weights are Xavier-uniform and the patch projection is one of them (paper, appendix A.1), biases are 0,
    LayerNorm weights 1, tokens normal. Parameters must be on the CPU, where the draws are the same everywhere.
    """
    for owner_name, owner in module.named_modules():
        for name, parameter in owner.named_parameters(recurse=False):
            full_name = prefix + (f"{owner_name}.{name}" if owner_name else name)
            if not full_name.endswith(LEFT):
                _draw(full_name, parameter, owner, randomness.generator(seed, "init", full_name))


def _draw(name: str, parameter: Tensor, owner: nn.Module, generator: torch.Generator) -> None:
    if name.endswith("_token"):
        nn.init.normal_(parameter, std=TOKEN_STD, generator=generator)
    elif isinstance(owner, nn.LayerNorm):
        nn.init.constant_(parameter, 1.0 if name.endswith("weight") else 0.0)
    elif name.endswith("bias"):
        nn.init.zeros_(parameter)
    elif name == "head.weight":
        nn.init.trunc_normal_(parameter, std=HEAD_STD, generator=generator)
    elif isinstance(owner, nn.Linear | nn.Conv2d):
        nn.init.xavier_uniform_(parameter.view(parameter.shape[0], -1), generator=generator)
    else:
        raise TypeError(f"no initial weights are defined for {name} of {type(owner).__name__}")

"""Optimisers: which parameters decay, how learning rates fall with depth, AdamW and LARS.

Each parameter group carries its peak learning rate as `lr`; the schedule multiplies it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from timm.optim import (
    Lars,
    param_groups_layer_decay,
    param_groups_weight_decay,
)
from torch import nn
from torch.optim import AdamW, Optimizer

Group = dict[str, Any]

LARS_TRUST = 0.001  # You et al. 2017, and the released linear probe


def absolute_lr(base_lr: float, effective_batch: int) -> float:
    """The learning rate for a batch of that many images over all devices and accumulation (Goyal et al. 2017)."""
    return base_lr * effective_batch / 256


def parameter_groups(model: nn.Module, lr: float, weight_decay: float) -> list[Group]:
    """Groups for pre-training: biases and other 1-D parameters do not decay, class and mask tokens do (released code).

    Frozen parameters, such as fixed positions, are in no group.
    """
    return [{**group, "lr": lr} for group in param_groups_weight_decay(model, weight_decay)]


def layer_decay_groups(model: nn.Module, lr: float, layer_decay: float, weight_decay: float) -> list[Group]:
    """Groups for fine-tuning, their learning rates falling from `lr` with depth (Table 9; Clark et al. 2020).

    What follows the blocks has `lr`. Each block has `layer_decay` times the rate of what comes after it; patch
    projection, positions and class token together count as one more. Neither 1-D parameters nor positions and class
    token decay (released code). Frozen parameters are in no group.
    """
    groups = param_groups_layer_decay(
        model, weight_decay, no_weight_decay_list=("pos_embed", "cls_token"), layer_decay=layer_decay
    )
    return [{**group, "lr": lr * group["lr_scale"]} for group in groups]


def adamw(groups: list[Group], betas: tuple[float, float]) -> AdamW:
    """AdamW; one fused kernel over all parameters on devices that have it."""
    devices = {parameter.device.type for group in groups for parameter in group["params"]}
    return AdamW(groups, betas=betas, fused=devices <= {"cpu", "cuda"})


def can_skip(optimizer: Optimizer) -> bool:
    """Whether `step_unless` works on `optimizer`: fused kernels look at a flag on the device, as loss scaling needs."""
    return bool(optimizer.defaults.get("fused"))


def step_unless(bad: torch.Tensor, optimizer: Any) -> None:
    """Step a fused `optimizer` unless `bad`, a flag on the device that the host never reads."""
    optimizer.found_inf = bad.float()
    optimizer.step()


def lars(groups: Iterable[Group], weight_decay: float = 0.0, momentum: float = 0.9) -> Lars:
    """LARS as the released linear probe has it: 1-D parameters are neither scaled by trust nor decayed.

    Each group carries its own peak `lr`.
    """
    split = [part for group in groups for part in _by_dimension(group)]
    matrices = [parameter for part in split if part["always_adapt"] for parameter in part["params"]]
    optimizer = Lars(split, lr=0.0, momentum=momentum, trust_coeff=LARS_TRUST, eps=0.0)

    def decay(*_: object) -> None:
        # timm adds the decay to the gradient's norm, the released code to the gradient before taking the norm
        for matrix in matrices:
            if matrix.grad is not None:
                matrix.grad.add_(matrix.detach(), alpha=weight_decay)

    if weight_decay:
        optimizer.register_step_pre_hook(decay)
    return optimizer


def _by_dimension(group: Group) -> list[Group]:
    """The group's matrices, which LARS scales by trust, and its vectors, which it does not."""
    parameters = list(group["params"])
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    vectors = [parameter for parameter in parameters if parameter.ndim <= 1]
    parts = [{**group, "params": matrices, "always_adapt": True}, {**group, "params": vectors, "always_adapt": False}]
    return [part for part in parts if part["params"]]

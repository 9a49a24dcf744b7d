"""Where a stage computes, and in which precision."""

from __future__ import annotations

import torch

from mae_core.recipes import Recipe
from mae_core.recipes.fields import Dtype


def device_of(recipe: Recipe) -> torch.device:
    """The recipe's device; `auto` takes the GPU where there is one."""
    if recipe.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(recipe.device)


def device_name(recipe: Recipe) -> str:
    """The kind of device, with the card's name."""
    device = device_of(recipe)
    return "cpu" if device.type == "cpu" else f"cuda ({torch.cuda.get_device_name(device)})"


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """`tensor` on `device`; to a GPU by way of pinned memory, from where the copy does not keep the host waiting."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def autocast(device: torch.device, dtype: Dtype) -> torch.autocast:
    """Matrix products in `dtype`; parameters, norms and losses stay float32."""
    return torch.autocast(device.type, dtype=getattr(torch, dtype), enabled=dtype != "float32")

"""Linear layers whose large float32 products are computed by whichever library is fastest on this processor."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import register_flop_formula

# MKL, which PyTorch's products come from, uses half-width vectors on processors that are not Intel's; oneDNN, which is
# in PyTorch too, uses the full width there: 10 to 15 % more at ViT-B's shapes. Its set-up outweighs that in small
# products.
SMALLEST = 256  # features in and out, and rows


class Linear(nn.Linear):
    """nn.Linear: the same parameters, the same results but for rounding."""

    def forward(self, input: Tensor) -> Tensor:
        """(…, in) to (…, out)."""
        return linear(input, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """F.linear: `x` (…, in) times `weight` (out, in), and `bias` (out,) added: (…, out)."""
    if _is_large(x, weight) and _full_width():
        y: Tensor = _OneDnn.apply(x, weight, bias)
        return y
    return F.linear(x, weight, bias)


def with_fast_products(module: nn.Module) -> None:
    """Let all plain linear layers in `module` be `Linear`."""
    for layer in module.modules():
        if type(layer) is nn.Linear:
            layer.__class__ = Linear


def _is_large(x: Tensor, weight: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and min(*weight.shape, x.numel() // x.shape[-1]) >= SMALLEST
    )


@functools.cache
def _full_width() -> bool:
    """Whether this processor has wide vectors that only oneDNN uses. It is a property of the machine, never timed: two
    attempts at a run must round alike."""
    try:
        intel = "GenuineIntel" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    wide = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return wide and not intel and torch.backends.mkldnn.is_available() and one_dnn is not None


try:
    one_dnn: Any = torch.ops.mkldnn._linear_pointwise  # what torch.compile calls; there is no public name
    one_dnn_of_weight: Any = torch.ops.aten.mkldnn_linear_backward_weights
except AttributeError:
    one_dnn = one_dnn_of_weight = None
else:

    @register_flop_formula(one_dnn)
    def _flops(x: torch.Size, weight: torch.Size, *_: object, **__: object) -> int:
        return 2 * x.numel() * weight[0]

    @register_flop_formula(one_dnn_of_weight)
    def _flops_of_weight(grad: torch.Size, x: torch.Size, *_: object, **__: object) -> int:
        return 2 * grad.numel() * x[-1]


def _times(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    y: Tensor = one_dnn(x, weight, bias, "none", [], "")
    return y


class _OneDnn(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _times(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        grad_x = _times(grad, weight.t(), None) if of_x else None
        if not of_weight:
            return grad_x, None, grad.reshape(-1, grad.shape[-1]).sum(0) if of_bias else None
        # copied to be oneDNN's own: plain tensors would be transposed first, which takes longer
        grads, inputs = (part.reshape(-1, part.shape[-1]).to_mkldnn() for part in (grad, x))
        grad_weight, grad_bias = one_dnn_of_weight(grads, inputs, weight, of_bias)
        return grad_x, grad_weight.to_dense(), grad_bias.to_dense() if of_bias else None

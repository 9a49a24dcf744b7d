"""The physical limit: the machine's measured matrix-product rate, by whichever library is fastest."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mae_core.model.linear import one_dnn

SIDE = 2048  # of the square matrices: large enough for the full rate, small enough to repeat


def product_rates(dtype: torch.dtype, seconds: float = 2.0) -> dict[str, float]:
    """FLOP/s that large matrix products in `dtype` keep up on this machine, by each library there is.

    The median of one after another: a step, too, is timed with all that the machine does beside it.
    """
    a, b = torch.randn(SIDE, SIDE, dtype=dtype), torch.randn(SIDE, SIDE, dtype=dtype)
    out = torch.empty_like(a)
    rates = {"torch.mm": _rate(lambda: torch.mm(a, b, out=out), seconds)}
    if one_dnn is not None:
        rates["oneDNN"] = _rate(lambda: one_dnn(a, b, None, "none", [], ""), seconds)
    return rates


def _rate(product: Callable[[], object], seconds: float) -> float:
    taken, deadline = [], time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        begun = time.perf_counter()
        product()
        taken.append(time.perf_counter() - begun)
    return 2.0 * SIDE**3 / statistics.median(taken)


def flops_of(run: Callable[[], object]) -> int:
    """FLOPs of `run` as PyTorch counts them: products, not what an optimiser does."""
    # the counter knows no formula for the CPU's fused attention; plain products have as many operations
    with sdpa_kernel([SDPBackend.MATH]), FlopCounterMode(display=False) as counter:
        run()
    flops: int = counter.get_total_flops()
    return flops

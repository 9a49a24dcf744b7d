"""The physical limit: the machine's measured matrix-product rate, and the share of it that work reaches."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

SIDE = 2048  # of the square matrices: large enough for the full rate, small enough to repeat


def product_rate(dtype: torch.dtype, seconds: float = 2.0) -> float:
    """FLOP/s of a large matrix product in `dtype` on this machine, the best of several."""
    a, b = torch.randn(SIDE, SIDE, dtype=dtype), torch.randn(SIDE, SIDE, dtype=dtype)
    out = torch.empty_like(a)
    best, deadline = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        begun = time.perf_counter()
        torch.mm(a, b, out=out)
        best = min(best, time.perf_counter() - begun)
    return 2.0 * SIDE**3 / best


def flops_of(run: Callable[[], object]) -> int:
    """FLOPs of `run` as PyTorch counts them: products, not what an optimiser does."""
    # the counter knows no formula for the CPU's fused attention; plain products have as many operations
    with sdpa_kernel([SDPBackend.MATH]), FlopCounterMode(display=False) as counter:
        run()
    flops: int = counter.get_total_flops()
    return flops

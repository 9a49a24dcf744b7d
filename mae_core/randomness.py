"""Every random number: a function of (seed, purpose, epoch, sample), never of rank, worker or moment of resumption."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch

Key = int | str

# SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def key(*parts: Key) -> int:
    """A 63-bit number that depends on every part, in order; parts are told apart by type."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(*parts: Key) -> torch.Generator:
    """A CPU generator of its own for the key `parts`."""
    return torch.Generator().manual_seed(key(*parts))


@contextmanager
def seeded(*parts: Key) -> Iterator[None]:
    """Run third-party code that draws from the global generators of Python, NumPy and torch, keyed by `parts`.

    A GPU's generator is among them where one is in use. The generators' states are put back afterwards.
    """
    states = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    on_gpu = torch.cuda.is_initialized()
    gpu_state = torch.cuda.get_rng_state() if on_gpu else None
    number = key(*parts)
    random.seed(number)
    np.random.seed(number % 2**32)
    torch.random.default_generator.manual_seed(number)
    if on_gpu:
        torch.cuda.manual_seed(number)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.random.set_rng_state(states[2])
        if gpu_state is not None:
            torch.cuda.set_rng_state(gpu_state)


def _mixed(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))


def uniform(*parts: Key, samples: torch.Tensor, width: int) -> torch.Tensor:
    """Uniform draws in [0, 1): row i belongs to sample `samples[i]` alone, whatever else is in the batch.

    Args:
        parts: the rest of the key, such as seed, purpose, epoch.
        samples: (N,) integer sample numbers.
        width: draws for each sample.

    Returns:
        (N, width) float64 on the CPU, 53 random bits each.
    """
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is the point
        sample = samples.cpu().numpy().astype(np.uint64)[:, None]
        row = _mixed(_mixed(np.uint64(key(*parts)) + (sample + np.uint64(1)) * _GOLDEN))
        draw = np.arange(1, width + 1, dtype=np.uint64)[None, :]
        bits = _mixed(row + draw * _GOLDEN)
    return torch.from_numpy((bits >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def permutation(*parts: Key, n: int) -> torch.Tensor:
    """A random order of 0 … n-1, (n,) int64."""
    return torch.randperm(n, generator=generator(*parts))

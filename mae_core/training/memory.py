"""Memory: how an allocator says that there is not enough, on either kind of device."""

from __future__ import annotations

import gc

import torch

REFUSALS = ("DefaultCPUAllocator: can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


class OutOfMemoryError(Exception):
    """Some rank lacks the memory for its micro-batch."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` is an allocator's, of the host or of a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in REFUSALS)


def give_back() -> None:
    """Free what a failed step left behind: cycles through its traceback, and a GPU's cached blocks."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()

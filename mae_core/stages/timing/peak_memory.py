"""Peak memory: what a piece of work takes of its device, whatever its process did before."""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from mae_core.training.memory import give_back

SAMPLING_SECONDS = 0.005  # between two looks at the memory, where the kernel keeps no peak
RESET = "5"  # what tells Linux to begin a new peak, see proc(5)


@dataclass
class Peak:
    """The most memory taken while it was watched, in bytes."""

    bytes: int = 0


@contextmanager
def watched(device: torch.device) -> Iterator[Peak]:
    """The memory taken on `device` by what is done in the block, at its peak: filled in when the block ends.

    On a GPU what was allocated. On a CPU by how much the process grew: what earlier work has freed is first given back
    to the system, or what re-uses it would seem to take nothing.
    """
    peak = Peak()
    give_back()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device) - before
        return
    _return_freed()
    with _kept_by_the_kernel(peak) if _begin_anew() else _sampled(peak):
        yield peak


def _return_freed() -> None:
    """Give the heap's free pages back; elsewhere than in glibc they stay, and the growth is then too small."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _begin_anew() -> bool:
    """Let the kernel forget this process's peak so far; whether it did."""
    try:
        Path("/proc/self/clear_refs").write_text(RESET)
        return _in_use("VmHWM") > 0
    except OSError:
        return False


def _in_use(name: str) -> int:
    """The entry `name` of the process's status, in bytes; 0 where there is none."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), flags=re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


@contextmanager
def _kept_by_the_kernel(peak: Peak) -> Iterator[None]:
    before = _in_use("VmRSS")
    try:
        yield
    finally:
        peak.bytes = max(0, _in_use("VmHWM") - before)


@contextmanager
def _sampled(peak: Peak) -> Iterator[None]:
    process, ended = psutil.Process(), threading.Event()
    before = process.memory_info().rss

    def look() -> None:
        while not ended.wait(SAMPLING_SECONDS):
            peak.bytes = max(peak.bytes, process.memory_info().rss - before)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()

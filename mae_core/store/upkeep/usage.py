"""Usage: what a process at work takes of its machine, sampled beside the work and kept as a journal of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from mae_core.store.journal import Journal

NAME = "system.log"
SECONDS = 10.0  # between samples
MEGABYTE = 1_000_000


class Usage:
    """Samples of an attempt; each stands at the whole seconds since its run began, whatever the number of attempts."""

    def __init__(self, attempt: Path, began: float) -> None:
        self._began = began
        self._journal = Journal(attempt / NAME)
        self._process = psutil.Process()
        self._process.cpu_percent(), psutil.cpu_percent()  # shares are of the time since the last call
        self._due = time.monotonic() + SECONDS

    def sample(self, *, last: bool = False) -> None:
        """Keep a sample where one is due, and in any case the last. Raises OSError where it cannot be written."""
        if time.monotonic() < self._due and not last:
            return
        self._due = time.monotonic() + SECONDS
        now = time.time()
        self._journal.append({"step": max(round(now - self._began), 0), **dict(self._taken()), "time": round(now, 3)})

    def _taken(self) -> Iterator[tuple[str, float]]:
        memory = psutil.virtual_memory()
        yield "system/cpu_utilization_percentage", psutil.cpu_percent()
        yield "system/system_memory_usage_megabytes", round(memory.used / MEGABYTE)
        yield "system/system_memory_usage_percentage", memory.percent
        yield "system/process_cpu_percentage", self._process.cpu_percent()
        yield "system/process_memory_megabytes", round(self._process.memory_info().rss / MEGABYTE)
        torch = sys.modules.get("torch")  # only where the work itself has loaded it
        if torch is not None and torch.cuda.is_initialized():
            for number in range(torch.cuda.device_count()):
                free, total = torch.cuda.mem_get_info(number)
                yield f"system/gpu_{number}_memory_usage_megabytes", round((total - free) / MEGABYTE)
                yield f"system/gpu_{number}_memory_usage_percentage", round(100 * (total - free) / total, 1)

    def close(self) -> None:
        """Keep a last sample and close the file."""
        try:
            self.sample(last=True)
        finally:
            self._journal.close()

"""The watchdog: ends a process in which no step was done for too long, and leaves behind where it stood."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

SECONDS = "MAE_HANG_SECONDS"  # the environment variable; 0 is no watchdog
USUAL_SECONDS = 1800.0
EXIT_HUNG = 75  # of a process that hung: try again, from its checkpoint


def patience() -> float:
    """Seconds without a step after which a process hangs; 0: never."""
    return float(os.environ.get(SECONDS) or USUAL_SECONDS)


class Watchdog:
    """A thread that looks on from `with` to its end, and wants to be told of each step."""

    def __init__(self, stacks: Path, seconds: float) -> None:
        """Look on; where every thread stands is written to `stacks` once `seconds` pass without a step."""
        self.stacks, self.seconds = stacks, seconds
        self._last = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def step(self) -> None:
        """A step was done."""
        self._last = time.monotonic()

    @contextlib.contextmanager
    def off(self) -> Iterator[None]:
        """Look away, from what may take its time, such as a slow disk."""
        self._last = float("inf")
        try:
            yield
        finally:
            self.step()

    def _watch(self) -> None:
        while not self._over.wait(max(0.01, min(self._last + self.seconds - time.monotonic(), self.seconds))):
            if time.monotonic() - self._last >= self.seconds:
                self._end()

    def _end(self) -> None:
        with contextlib.suppress(OSError), self.stacks.open("a") as file:
            file.write(f"no step for {self.seconds:g} s\n")
            file.flush()
            faulthandler.dump_traceback(file, all_threads=True)
        os._exit(EXIT_HUNG)  # the thread that hangs could not be made to unwind

    def __enter__(self) -> Watchdog:
        if self.seconds:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

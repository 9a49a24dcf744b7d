"""The watchdog: ends a process in which no step was done for too long, and leaves behind where it stood."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

SECONDS = "MAE_HANG_SECONDS"  # the environment variable; 0 is no watchdog
USUAL_SECONDS = 1800.0
WAITING = "waiting for other ranks"  # of one that is not the one that hangs
EXIT_HUNG = 75  # of a process that hung: try again, from its checkpoint


def patience() -> float:
    """Seconds without a step after which a process hangs; 0: never."""
    return float(os.environ.get(SECONDS) or USUAL_SECONDS)


def stacks_file(attempt: Path, rank: int) -> Path:
    """Where an attempt's rank leaves its stacks if it hangs."""
    return attempt / f"stacks-{rank}.txt"


def grace(seconds: float) -> float:
    """Seconds longer that one who only waits for others is given, so that whoever hangs is the first to be noticed."""
    return min(30.0, seconds / 4)


class Watchdog:
    """A thread that looks on from `with` to its end, and wants to be told of each step."""

    def __init__(self, stacks: Path, seconds: float, waits: Callable[[], bool] = lambda: False) -> None:
        """Look on; where every thread stands is written to `stacks` once `seconds` pass without a step.

        While `waits` says that others are waited for, it is they who hang, and they are left to be noticed first.
        """
        self.stacks, self.seconds, self.waits = stacks, seconds, waits
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
            silent = time.monotonic() - self._last
            if silent >= self.seconds + (grace(self.seconds) if self.waits() else 0.0):
                self._end()

    def _end(self) -> None:
        whose = f", {WAITING}" if self.waits() else ""
        with contextlib.suppress(OSError), self.stacks.open("a") as file:
            file.write(f"no step for {self.seconds:g} s{whose}\n")
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

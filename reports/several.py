"""Several reports: built side by side, one process a core, because drawing and executing keep one core each."""

from __future__ import annotations

import atexit
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import ClassVar

from ablations.selection import select
from mae_core.data.catalogue import DataInfo
from mae_core.launch.local import processes_for
from mae_core.scales import Scale
from reports.pages.notebook import Kernel
from reports.report import Built, build


@dataclass(frozen=True)
class Order:
    """A report to be built, in words that another process understands."""

    word: str  # selects the ablation
    scale: Scale
    info: DataInfo
    home: Path
    seeds: int
    only: str | None = None
    protocol: str | None = None
    wall_seconds: float | None = None
    memory: Path | None = None  # the home whose store is read; default: `home`

    def built(self, kernel: Kernel) -> Built:
        """The report, now that it is built here."""
        ablation = select([self.word])[0].given(self.scale, self.home).ablation
        return build(
            ablation,
            self.scale,
            self.info,
            self.home,
            self.seeds,
            only=self.only,
            protocol=self.protocol,
            wall_seconds=self.wall_seconds,
            memory=self.memory,
            kernel=kernel,
        )


def build_all(orders: Sequence[Order]) -> Iterator[Built]:
    """Build the reports, as many at once as the machine has cores and memory for; they come in the order asked.

    What stops one of them is raised in its place, and no further report is begun then.
    """
    processes = processes_for(1, len(orders))
    if processes == 1:
        with Kernel() as kernel:
            yield from (order.built(kernel) for order in orders)
        return
    context = multiprocessing.get_context("spawn")  # forking would copy locks that other threads hold
    enough = context.Event()
    pool = ProcessPoolExecutor(processes, context, _Builder.begin, (enough,))
    try:
        yield from pool.map(_Builder.build, orders)
    finally:
        enough.set()  # a pool's process has the next orders before it can do them
        pool.shutdown(cancel_futures=True)


class _Builder:
    """What a process of the pool has for as long as it lives."""

    enough: ClassVar[Event]  # set when no further report is wanted
    kernel: ClassVar[Kernel]

    @classmethod
    def begin(cls, enough: Event) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent sees to it
        cls.enough, cls.kernel = enough, Kernel().__enter__()
        atexit.register(cls.kernel.__exit__)

    @classmethod
    def build(cls, order: Order) -> Built:
        if cls.enough.is_set():
            raise CancelledError
        return order.built(cls.kernel)

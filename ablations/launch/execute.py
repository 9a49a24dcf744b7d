"""Carry a launch out: fetch data, write the plan down, run its stages, build its reports, sum up."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.table import Table

from ablations.launch.display import Display, clock
from ablations.launch.launch import Launch
from ablations.names import stage_names
from ablations.plan import Plan
from mae_core.data.catalogue import DataInfo
from mae_core.data.fashion_mnist import obtain as obtain_fashion_mnist
from mae_core.errors import DataError
from mae_core.launch.local import Board, Pool
from mae_core.store.run import Store
from mae_core.tracking.content.labels import write_labels
from mae_core.tracking.follow import Follower

SYNC_SECONDS = 30.0  # the launcher waits for the tracker this long at the end; the rest can be synced later


class Report(Protocol):
    """What a launch says of a report that was built."""

    @property
    def latest(self) -> Path:
        """Its folder."""

    @property
    def verdict(self) -> str:
        """Whether our numbers follow the paper's, in a sentence."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Cells by status."""


# for what was selected, in its order; the number: seconds since the launch began
Reporter = Callable[[Launch, float], Sequence[Report]]


def execute(launch: Launch, reports: Reporter, console: Console) -> int:
    """Run the launch to its reports; the exit status: 0 all cells done, 1 some failed."""
    begun = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    plan, store = prepare(launch)
    follower = Follower(launch.home)
    try:
        board = _run(launch, plan, store, console)
        built = reports(launch, time.monotonic() - begun)
    finally:
        unsynced = follower.finish(SYNC_SECONDS)
    _sum_up(launch, built, board, console)
    console.print(f"{clock(time.monotonic() - begun)} in all.")
    if unsynced:
        console.print(unsynced, soft_wrap=True)
    return 0 if all(ending == "done" for ending in board.endings.values()) else 1


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def have_data(info: DataInfo, home: Path) -> None:
    """Fetch the data where that can be done; DataError where it cannot."""
    if info.available:
        return
    if info.name != "fashion_mnist":
        raise DataError(f"{info.name} is not on this machine; docs/your-own-images.md tells where it is looked for.")
    obtain_fashion_mnist(home)


def have_data_of(launch: Launch) -> Plan:
    """The launch's plan, its data fetched where any stage of it reads them; DataError where that cannot be done."""
    plan = launch.plan()
    if any(stage.recipe.READS_IMAGES for stage in plan.stages.values()):
        have_data(launch.info, launch.home)
    return plan


def prepare(launch: Launch) -> tuple[Plan, Store]:
    """Fetch the data and write the plan down, so that any process can do its stages and name its cells."""
    plan, store = have_data_of(launch), Store(launch.home)
    for stage in plan.stages.values():
        store.plan(stage)
    _write_labels(launch)
    return plan, store


def _write_labels(launch: Launch) -> None:
    for one in launch.selected:
        cells = [
            {
                "name": cell.name,
                "case": cell.case.key,
                "label": cell.case.label,
                "protocol": cell.protocol,
                "seed": cell.seed,
                "signature": cell.stage.signature,
            }
            for cell in launch.cells(one)
            if cell.stage is not None
        ]
        write_labels(launch.home, one.ablation.name, launch.scale.name, launch.info.name, cells)


def _run(launch: Launch, plan: Plan, store: Store, console: Console) -> Board:
    pool = Pool(store, plan.stages.values(), launch.scale.threads)
    with Display(console, store, stage_names(plan)) as display:
        return pool.run(display.tick)


def _sum_up(launch: Launch, built: Sequence[Report], board: Board, console: Console) -> None:
    table = Table("ablation", "cells", box=None, pad_edge=False)
    for one, report in zip(launch.selected, built, strict=True):
        counts = ", ".join(f"{count} {status}" for status, count in report.counts.items() if count)
        table.add_row(one.ablation.name, counts)
    console.print(table)
    for one, report in zip(launch.selected, built, strict=True):
        console.print(f"{one.ablation.name}: {report.verdict}\n{report.latest}", soft_wrap=True)

"""The display while a plan runs: a live table where there is a terminal, a line for each stage where there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mae_core.costs import cost
from mae_core.launch.local import Board
from mae_core.store.run import Run, Store

MARKS = {"done": "done", "failed": "FAILED", "diverged": "DIVERGED", "blocked": "blocked"}


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Display:
    """Shows a board as it changes. `names` gives each stage its name for people."""

    def __init__(self, console: Console, store: Store, names: Mapping[str, str]) -> None:
        self.console, self.store, self.names = console, store, names
        self.begun = time.monotonic()
        self.found: set[str] | None = None  # finished before this launch
        self._told: set[str] = set()
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Display:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def tick(self, board: Board) -> None:
        """Show the board as it stands."""
        if self.found is None:
            self.found = {signature for signature, ending in board.endings.items() if ending == "done"}
            self._told |= self.found
        self._tell_endings(board)
        if self._live is not None:
            self._live.update(self._table(board), refresh=True)

    def _tell_endings(self, board: Board) -> None:
        for signature, ending in board.endings.items():
            if signature not in self._told:
                self._told.add(signature)
                self.console.print(Text(self._line(signature, ending, board)), soft_wrap=True)

    def _line(self, signature: str, ending: str, board: Board) -> str:
        line = (
            f"{len(board.endings):>3}/{len(board.stages)}  {MARKS[ending]:<8}  {self.names.get(signature, signature)}"
        )
        if ending != "done":
            return f"{line}: {board.reasons[signature]}"
        record = self.store.run(signature).record or {}
        top1 = record.get("metrics", {}).get("top1")
        score = "" if top1 is None else f"  top-1 {top1:.1f} %"
        return f"{line}  {clock(record.get('seconds', 0.0))}{score}"

    def _table(self, board: Board) -> Group:
        table = Table("stage", "", "loss", "images/s", box=None, pad_edge=False)
        for signature in sorted(board.running):
            run = self.store.run(signature)
            progress = run.attempts[-1].progress if run.attempts else {}
            table.add_row(self.names.get(signature, signature), *_columns(progress))
        for signature in sorted(board.elsewhere):
            table.add_row(self.names.get(signature, signature), Text("another launcher is at it"), "", "")
        done = f"{len(board.endings)} of {len(board.stages)} stages, {clock(time.monotonic() - self.begun)}"
        left = self._left(board)
        return Group(table, Text(done if left is None else f"{done}, about {clock(left)} left"))

    def _left(self, board: Board) -> float | None:
        """Time left if work goes on at the rate so far; None before anything was finished."""
        costs = {signature: cost(stage) for signature, stage in board.stages.items()}
        shares = {s: _share(self.store.run(s)) for s in board.running}
        fresh = sum(costs[s] for s in board.endings if s not in (self.found or ()))
        fresh += sum(costs[s] * share for s, share in shares.items())
        rest = sum(c * (1 - shares.get(s, 0.0)) for s, c in costs.items() if s not in board.endings)
        return (time.monotonic() - self.begun) * rest / fresh if fresh > 0.02 * (fresh + rest) else None


def _share(run: Run) -> float:
    progress = run.attempts[-1].progress if run.attempts else {}
    share: float = progress.get("step", 0) / max(progress.get("steps", 1), 1)
    return share


def _columns(progress: Mapping[str, float]) -> tuple[ProgressBar | Text, str, str]:
    if not progress.get("steps"):
        return Text("starting"), "", ""
    bar = ProgressBar(total=progress["steps"], completed=progress["step"], width=24)
    loss = progress.get("loss")
    return bar, "" if loss is None else f"{loss:.4f}", f"{progress.get('images_per_second', 0):,.0f}"

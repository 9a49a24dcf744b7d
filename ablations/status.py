"""Where every cell stands: state, progress, loss, rate, time left, attempts, and on a cluster job and node.

python -m ablations.status                   everything launched from this home
python -m ablations.status mask_ratio --watch
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ablations.launch.display import clock
from mae_core.arguments import Parser
from mae_core.errors import UserError
from mae_core.home import home_path
from mae_core.launch.slurm.view import View, state_in_queue
from mae_core.store.ends import counted
from mae_core.store.run import Run, Store
from mae_core.tracking.content.labels import Label, read_labels

WATCH_SECONDS = 2.0
ASK_SECONDS = 30.0  # between questions to SLURM, which serves others too; heartbeats are looked at each time
HEADS = ("cell", "scale", "data", "state", "step", "loss", "images/s", "left", "attempts")
CLUSTER_HEADS = ("ended", "job", "node")  # ended: how earlier attempts did, where others saw it


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m ablations.status", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="ablations; default: all that were launched")
    parser.add_argument("--watch", action="store_true", help="go on showing until interrupted")
    parser.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    return parser.parse_args(words)


@dataclass
class _Status:
    """One look at a home."""

    store: Store
    view: View
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def columns(self, signature: str) -> tuple[str, ...]:
        """State, progress, loss, images/s, time left, attempts, how these ended, job, node and reason of a run."""
        if signature not in self._known:
            self._known[signature] = self._columns(self.store.run(signature))
        return self._known[signature]

    def _columns(self, run: Run) -> tuple[str, ...]:
        if run.finished is not None:
            return self._row(run, "done")
        mark, queued = self.view.marks.get(run.signature), self.view.queued(run.signature)
        running = run.status == "running" and not self.view.lost(run)
        if not running and queued is not None:
            return self._row(run, *state_in_queue(queued))
        if running:
            return self._row(run, "running")
        if mark is not None:
            return self._row(run, *mark)
        if self.view.unknown and run.signature in self.view.tasks and run.status in ("planned", "interrupted"):
            return self._row(run, "unknown", self.view.unknown)
        if run.status == "planned":
            return self._of_planned(run)
        if run.status == "running":
            return self._row(run, "interrupted", "its job has gone; the keeper submits it again")
        return self._row(run, run.status, (run.record or {}).get("reason", ""))

    def _of_planned(self, run: Run) -> tuple[str, ...]:
        """What a stage that nothing was done for waits for; its parent's progress says when it may begin."""
        for parent in (run.document or {}).get("parents", ()):
            if self.store.run(parent["signature"]).finished is None:
                state, *rest = self.columns(parent["signature"])
                return (f"waits ({parent['kind']} {state})", *rest)
        return self._row(run, "planned")

    def _row(self, run: Run, state: str, reason: str = "") -> tuple[str, ...]:
        progress = run.attempts[-1].progress if run.attempts and run.finished is None else {}
        step, steps, rate = progress.get("step", 0), progress.get("steps", 0), progress.get("images_per_second", 0.0)
        left = clock(progress["seconds_left"]) if state == "running" and "seconds_left" in progress else ""
        loss, job = progress.get("loss"), self.view.job(run.signature)
        return (
            state,
            f"{step}/{steps}" if steps else "",
            "" if loss is None else f"{loss:.4f}",
            f"{rate:,.0f}" if rate else "",
            left,
            str(len(run.attempts)),
            ", ".join(f"{count} {how}" for how, count in self._ends(run).items()),
            *((job.job, job.node) if job else ("", "")),
            reason,
        )

    def _ends(self, run: Run) -> dict[str, int]:
        """How attempts ended: time limits and preemptions are not deaths. Read only where there was more than one."""
        if not self.view.tasks or (run.finished is not None and len(run.attempts) == 1):
            return {}
        return counted(attempt.folder for attempt in run.attempts)


def _rows(store: Store, names: Sequence[str], view: View) -> Iterator[tuple[str, ...]]:
    """The head, then a row for each cell; job and node only where there is a cluster."""
    status = _Status(store, view)
    with_cluster = bool(status.view.tasks)
    yield (*HEADS, *(CLUSTER_HEADS if with_cluster else ()), "why")
    for label, signature in _cells(store, names):
        *plain, ends, job, node, reason = status.columns(signature)
        place = (ends, job, node) if with_cluster else ()
        yield (label.cell, label.scale, label.data, *plain, *place, reason)


def _cells(store: Store, names: Sequence[str]) -> list[tuple[Label, str]]:
    labels = read_labels(store.home)
    known = {label.ablation for several in labels.values() for label in several}
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(sorted(known)) or "nothing yet"
        raise UserError(f"Nothing named {unknown[0]!r} was launched from {store.home}; it has {listed}.")
    cells = [
        (label, signature)
        for signature, several in labels.items()
        for label in several
        if not names or label.ablation in names
    ]
    return sorted(cells, key=lambda cell: (cell[0].ablation, cell[0].scale, cell[0].data, cell[0].seed))


def _table(rows: Sequence[tuple[str, ...]], view: View) -> Table:
    table = Table(*rows[0], box=None, pad_edge=False, caption=view.unkept or None, caption_justify="left")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def _print(rows: Sequence[tuple[str, ...]]) -> None:
    """Aligned lines that no window cuts; thousands of them take no time."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def main(words: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    arguments, console = _arguments(words), Console()
    try:
        store = Store(home_path(arguments.home))
        view, asked = View.of(store.home), time.monotonic()
        rows = list(_rows(store, arguments.names, view))
        if len(rows) == 1:
            print(f"Nothing was launched from {store.home} yet.")
            return 0
        if not arguments.watch:
            _print(rows)
            if view.unkept:
                print(view.unkept)
            return 0
        with Live(_table(rows, view), console=console, auto_refresh=False) as live:
            while True:
                if time.monotonic() - asked > ASK_SECONDS:
                    view, asked = View.of(store.home), time.monotonic()
                live.update(_table(list(_rows(store, arguments.names, view)), view), refresh=True)
                time.sleep(WATCH_SECONDS)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())

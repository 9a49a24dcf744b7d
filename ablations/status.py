"""Where every cell stands: state, progress, loss, rate, time left, attempts.

python -m ablations.status                   everything launched from this home
python -m ablations.status mask_ratio --watch
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ablations.display import clock
from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.store.run import Run, Store
from mae_core.tracking.labels import Label, read_labels

WATCH_SECONDS = 2.0
LINE = 200


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ablations.status", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="ablations; default: all that were launched")
    parser.add_argument("--watch", action="store_true", help="go on showing until interrupted")
    parser.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    return parser.parse_args(words)


def _columns(run: Run, store: Store) -> tuple[str, ...]:
    """State, progress, loss, images/s, time left, attempts and reason of the run, or of the parent it waits for."""
    if run.status == "planned":
        for parent in (run.document or {}).get("parents", ()):
            before = store.run(parent["signature"])
            if before.status != "done":
                state, *rest = _columns(before, store)
                return (f"waits ({parent['kind']} {state})", *rest)
    progress = run.attempts[-1].progress if run.attempts and run.finished is None else {}
    step, steps, rate = progress.get("step", 0), progress.get("steps", 0), progress.get("images_per_second", 0.0)
    taken = time.time() - run.attempts[-1].owner.get("taken", time.time()) if run.attempts else 0.0
    left = clock(taken * (steps - step) / step) if run.status == "running" and step else ""
    loss = progress.get("loss")
    return (
        run.status,
        f"{step}/{steps}" if steps else "",
        "" if loss is None else f"{loss:.4f}",
        f"{rate:,.0f}" if rate else "",
        left,
        str(len(run.attempts)),
        (run.record or {}).get("reason", ""),
    )


def _table(store: Store, names: Sequence[str]) -> Table:
    table = Table(
        "cell",
        "scale",
        "data",
        "state",
        "step",
        "loss",
        "images/s",
        "left",
        "attempts",
        "why",
        box=None,
        pad_edge=False,
    )
    labels = read_labels(store.home)
    known = {label.ablation for several in labels.values() for label in several}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"Nothing named {unknown[0]!r} was launched from {store.home}; it has {_listed(known)}.")
    rows: list[tuple[Label, Run]] = [
        (label, store.run(signature))
        for signature, several in labels.items()
        for label in several
        if not names or label.ablation in names
    ]
    for label, run in sorted(rows, key=lambda row: (row[0].ablation, row[0].scale, row[0].data, row[0].seed)):
        table.add_row(label.cell, label.scale, label.data, *_columns(run, store))
    return table


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing yet"


def main(words: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    arguments, console = _arguments(words), Console()
    if not console.is_terminal:
        console = Console(width=LINE)  # nobody's window cuts the names
    try:
        store = Store(home_folder(arguments.home))
        table = _table(store, arguments.names)
        if not arguments.watch:
            console.print(table if table.rows else f"Nothing was launched from {store.home} yet.")
            return 0
        with Live(table, console=console, auto_refresh=False) as live:
            while True:
                live.update(_table(store, arguments.names), refresh=True)
                time.sleep(WATCH_SECONDS)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())

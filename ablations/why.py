"""Why a cell stands as it does: its run or the nearest one, its seeds, attempts and commit, its curve in MLflow.

python -m ablations.why mask_ratio/75/finetune/0
python -m ablations.why mask_ratio/75/finetune/0 --scale small --data FOLDER
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ablations.differences import nearest
from ablations.launch.asked import asked, cell_named
from ablations.launch.display import clock
from ablations.spec.cells import Cell
from ablations.spec.protocols import metric
from mae_core.arguments import Parser
from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.signature import Stage
from mae_core.store.attempt import Attempt
from mae_core.store.run import Run, Store
from mae_core.tracking.content.labels import read_labels
from mae_core.tracking.destination import Destination
from mae_core.tracking.positions import Positions

MOST = 8  # differences or cells told one by one


def explain(cell: Cell, scale: str, data: str | None, store: Store) -> Iterator[str]:
    """The explanation, a line each."""
    if cell.stage is None:
        case = cell.case
        why = "only the paper's number is known" if case.cited else f"it needs {case.needs}"
        yield f"{cell.name} is not run by us: {why}."
        return
    run = store.run(cell.stage.signature)
    yield f"{cell.name} at {scale} is the stage {run.signature}: {run.status}."
    if run.finished is not None and run.record is not None:
        yield from _found(cell, run, run.record)
    else:
        yield from _not_found(cell.stage, run, store)
    for attempt in run.attempts:
        yield f"  attempt {attempt.number}: {_attempt(attempt)}"
    for parent in cell.stage.parents:
        yield f"  starts from {parent.signature}: {store.run(parent.signature).status}"
    yield f"  seeds: {', '.join(_seeds(cell, scale, data, store))}"
    shared = sorted({label.cell for label in read_labels(store.home).get(run.signature, ())} - {cell.name})
    if shared:
        yield f"  the same run gives {_listed(shared)}"
    yield f"  curve: {_curve(run, store)}"


def _found(cell: Cell, run: Run, record: dict[str, Any]) -> Iterator[str]:
    name, unit = metric(cell.protocol)
    value = record["metrics"].get(name)
    number = f"it has no {name}" if value is None else f"{name} {value:.4f}{f' {unit}' if unit else ''}"
    yield f"  {number}, {clock(record.get('seconds', 0.0))} of work, from {run.folder}"
    origin = record.get("provenance", {})
    dirty = " with local changes" if origin.get("dirty") else ""
    torch = origin.get("versions", {}).get("torch", "unknown")
    machine = f"{origin.get('processor', 'unknown')}, {origin.get('device', 'unknown')}"
    yield f"  computed by commit {origin.get('commit', 'unknown')[:12]}{dirty}, torch {torch}, on {machine}"
    for remark in record.get("remarks", ()):
        yield f"  {remark}"


def _not_found(stage: Stage, run: Run, store: Store) -> Iterator[str]:
    if run.record and run.record.get("reason"):
        yield f"  {run.record['reason']}"
    document = stage.document()
    close = nearest(document, (one for one in store.runs() if one.finished is not None))
    if close is None:
        yield f"  no {stage.kind} has finished in {store.home}"
        return
    found, differing = close
    told = "; ".join(map(str, differing[:MOST]))
    more = f"; and {len(differing) - MOST} more" if len(differing) > MOST else ""
    yield f"  nearest finished {stage.kind}: {found.signature}, from which it differs: {told}{more}"


def _attempt(attempt: Attempt) -> str:
    owner, record = attempt.owner, attempt.record
    host = owner.get("host") or "an unknown host"
    if record is None:
        alive = attempt.alive()
        life = "its process lives" if alive else "its process is gone" if alive is False else "its process is elsewhere"
        return f"not ended, {life} ({host})"
    ended = time.strftime("%Y-%m-%d %H:%M", time.localtime(record["ended"])) if "ended" in record else "at some time"
    reason = f": {record['reason']}" if record.get("reason") else ""
    return f"{record['state']} {ended} on {host}{reason}"


def _seeds(cell: Cell, scale: str, data: str | None, store: Store) -> Iterator[str]:
    """How each seed stands, up to the last with a run and that of the cell."""
    labels = [label for several in read_labels(store.home).values() for label in several]
    launched = [label.seed for label in labels if label.ablation == cell.ablation]
    cells = asked(cell.ablation, scale, data, store.home, max([cell.seed, *launched]) + 1)
    for other in cells.values():
        if (other.case.key, other.protocol) == (cell.case.key, cell.protocol) and other.stage is not None:
            run = store.run(other.stage.signature)
            value = run.metrics.get(metric(cell.protocol)[0])
            yield f"{other.seed} {run.status}" + ("" if value is None else f" {value:.2f}")


def _listed(cells: Sequence[str]) -> str:
    return ", ".join(cells[:MOST]) + (f" and {len(cells) - MOST} more" if len(cells) > MOST else "")


def _curve(run: Run, store: Store) -> str:
    destination = Destination.of(store.home)
    position = Positions(destination.folder).of(run.signature)
    if not position.run_id:
        return f"not in {destination.shown}; `python -m mae_core.tracking sync --home {store.home}` brings it there"
    page = f"#/experiments/{position.experiment_id}/runs/{position.run_id}"
    if destination.remote:
        return f"{destination.shown.rstrip('/')}/{page}"
    return f"`mlflow ui --backend-store-uri {destination.shown}`, then http://127.0.0.1:5000/{page}"


def main(words: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = Parser(
        prog="python -m ablations.why", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cell", metavar="CELL", help="ablation/case/protocol/seed")
    parser.add_argument("--scale", default="mini", help="default: mini")
    parser.add_argument("--data", metavar="NAME|FOLDER", help="default: the scale's")
    parser.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    arguments = parser.parse_args(words)
    try:
        store = Store(home_folder(arguments.home))
        cell = cell_named(arguments.cell, arguments.scale, arguments.data, store.home)
        for line in explain(cell, arguments.scale, arguments.data, store):
            print(line)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Print the log of a cell's newest attempt: python -m ablations.logs mask_ratio/75/finetune/0 [--follow]

On a cluster the file that its newest job prints to is named too, and printed where no attempt was begun.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mae_core.arguments import Parser
from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.launch.slurm.submitting.arrays import Arrays, cluster_folder, tasks_of
from mae_core.store.run import Run, Store
from mae_core.tracking.content.labels import read_labels

LOG = "log.txt"


def _runs(store: Store, cell: str) -> list[Run]:
    """The runs of the cell, at every scale and on all data it was launched with."""
    found = [store.run(s) for s, labels in read_labels(store.home).items() if any(x.cell == cell for x in labels)]
    if not found:
        raise UserError(
            f"No cell {cell!r} was launched from {store.home}; `python -m ablations.status` names them all."
        )
    return found


def _output(store: Store, signature: str) -> Path | None:
    """The file that the newest of the stage's jobs printed to, by its first rank."""
    written = Arrays(store.home).all()
    jobs = {one.array.name: one.job for one in written}
    logs = cluster_folder(store.home) / "logs"
    tasks = reversed(tasks_of(written).get(signature, []))
    found = (path for name, index in tasks for path in sorted(logs.glob(f"{jobs[name]}_{index}_*.out")))
    return next(found, None)


def _begin(store: Store, run: Run) -> int:
    """Print where the run stands and what there is of its log; where the log ends now."""
    output = _output(store, run.signature)
    print(f"== {run.signature}: {run.status}" + (f"; its job prints to {output}" if output else ""))
    if not run.attempts and output:
        print(output.read_text(errors="replace"), end="")
    return _print(run, 0)


def _print(run: Run, start: int) -> int:
    """Print the newest attempt's log from byte `start`; where it ends now."""
    if not run.attempts:
        return start
    path = run.attempts[-1].folder / LOG
    data = path.read_bytes() if path.is_file() else b""
    sys.stdout.write(data[start:].decode(errors="replace"))
    sys.stdout.flush()
    return len(data)


def main(words: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = Parser(prog="python -m ablations.logs", description=__doc__)
    parser.add_argument("cell", metavar="CELL", help="ablation/case/protocol/seed")
    parser.add_argument("--follow", action="store_true", help="go on until the stage ends")
    parser.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    arguments = parser.parse_args(words)
    try:
        store = Store(home_folder(arguments.home))
        for run in _runs(store, arguments.cell):
            end = _begin(store, run)
            while arguments.follow and store.run(run.signature).status == "running":
                time.sleep(1.0)
                end = _print(store.run(run.signature), end)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

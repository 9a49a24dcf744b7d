"""Search settings that an ablation does not vary, on held-out train images.

python -m sweeps.run finetune_lr                       fine-tuning's learning rate, layer decay, drop path
python -m sweeps.run pretrain_lr --trials 30           a larger budget
python -m sweeps.run tune_rows mask_ratio              the same small search for each row of an ablation
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from mae_core.arguments import Parser
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.scales import SCALES, scale_named
from sweeps.selection import TUNE_ROWS, named, select
from sweeps.studies import STUDIES


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m sweeps.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ", ".join([*STUDIES, f"{TUNE_ROWS} ABLATION"])
    parser.add_argument("names", nargs="+", metavar="NAME", help=f"one of {names}")
    parser.add_argument("--trials", type=int, metavar="N", help="complete and pruned trials; default: the study's")
    parser.add_argument("--scale", default="mini", help=f"one of {', '.join(SCALES)}; default mini")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="for the best trials; default 3")
    parser.add_argument("--data", metavar="NAME|FOLDER", help="default: the scale's")
    parser.add_argument("--cluster", choices=["local", "slurm"], default="local", help="where the workers run")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="how many; default: 8 with slurm, else as many as cores allow"
    )
    parser.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    parser.add_argument("--requeue", action="store_true", help=argparse.SUPPRESS)  # in the sweep's own last job
    return parser.parse_args(words)


def _sweep(asked: argparse.Namespace, console: Console) -> int:
    selected = select(named(asked.names))
    for name in ("trials", "seeds", "workers"):
        number = getattr(asked, name)
        if number is not None and number < 1:
            raise UserError(f"--{name} {number} asks for nothing; give 1 or more.")
    scale, home = scale_named(asked.scale), home_folder(asked.home)
    info = describe(asked.data or scale.data, home)
    if not info.labelled:
        raise UserError(f"{info.name} has no labels; a study judges its trials by held-out labels.")

    for study in selected.studies:
        study.check(scale, info)

    from sweeps.launch import Sweep  # optuna and MLflow: not needed to refuse bad input

    sweep = Sweep(selected, scale, info, home, asked.trials, asked.seeds, asked.workers)
    if asked.cluster == "slurm":
        from sweeps.cluster import submit

        return submit(sweep, console)
    status = sweep.run(console)
    from reports.pages import index

    index.write(home / "reports")
    return status


def main(words: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    begun, asked, console = time.monotonic(), _arguments(words), Console()
    try:
        status = _sweep(asked, console)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; finished trials are kept and the same command goes on from here.", file=sys.stderr)
        if asked.requeue:
            from mae_core.launch.slurm.job import requeue

            requeue(os.environ["SLURM_JOB_ID"])
        return 130
    console.print(f"{time.monotonic() - begun:.0f} s in all.")
    return status


if __name__ == "__main__":
    sys.exit(main())

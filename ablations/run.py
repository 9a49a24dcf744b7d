"""Run ablations of the paper, or of your own, and build their reports.

python -m ablations.run mask_ratio                    the mask-ratio figure on this machine, in minutes
python -m ablations.run mask_ratio:75 --seeds 3       one row, three seeds
python -m ablations.run wall_clock/wall_clock         one protocol: what its numbers need, and nothing else
python -m ablations.run mask_ratio --data FOLDER      on your own images
python -m ablations.run my_spec.py --dry-run          what a spec of your own would do
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table

from ablations.launch.launch import Launch
from ablations.names import stage_names
from ablations.paper import ABLATIONS, NOT_YET
from ablations.selection import select
from mae_core.arguments import Parser
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.home import home_folder, home_path
from mae_core.scales import SCALES, scale_named
from mae_core.store.run import Store
from mae_core.store.space import disk_full, full_sentence

if TYPE_CHECKING:
    from ablations.launch.execute import Report


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m ablations.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="an ablation, NAME:CASE, a spec file, any of them /PROTOCOL, or all"
    )
    parser.add_argument("--scale", default="mini", help=f"one of {', '.join(SCALES)}; default mini")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 0 … N-1; default 1")
    parser.add_argument("--data", metavar="NAME|FOLDER", help="default: the scale's")
    parser.add_argument("--cluster", choices=["local", "slurm"], default="local", help="where the stages run")
    parser.add_argument("--max-gpu-hours", type=float, metavar="H", help="with slurm: refuse a plan that costs more")
    parser.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    parser.add_argument("--preflight", action="store_true", help="first try one update of every distinct shape")
    parser.add_argument("--list", action="store_true", help="list the ablations and stop")
    return parser.parse_args(words)


def _resolve(arguments: argparse.Namespace) -> Launch:
    if not arguments.names:
        raise UserError("Name an ablation, such as mask_ratio, or use --list to see them all.")
    if arguments.seeds < 1:
        raise UserError(f"--seeds {arguments.seeds} asks for nothing; give 1 or more.")
    scale = scale_named(arguments.scale)
    home = home_path(arguments.home) if arguments.dry_run else home_folder(arguments.home)
    selected = [one.given(scale, home) for one in select(arguments.names)]
    return Launch(
        selected, scale, arguments.seeds, describe(scale.data if arguments.data is None else arguments.data, home), home
    )


def _list(console: Console) -> None:
    table = Table(
        Column("name", no_wrap=True), "in the paper", "what varies", "rows", "columns", box=None, pad_edge=False
    )
    for name, ablation in ABLATIONS.items():
        states = Counter(case.state for case in ablation.cases)
        rows = ", ".join(f"{count} {state}" for state, count in states.items())
        table.add_row(name, ablation.source, ablation.title, rows, ", ".join(ablation.protocols))
    for name, source in NOT_YET.items():
        table.add_row(name, *source.split(", "), "not yet available", "")
    console.print(table)


def _dry_run(launch: Launch, console: Console) -> None:
    plan, store = launch.plan(), Store(launch.home)
    finished = {signature for signature in plan.stages if store.run(signature).finished is not None}
    console.print(
        f"{', '.join(one.ablation.name for one in launch.selected)} at {launch.scale.name} on {launch.info.name}, "
        f"{launch.seeds} seed{'s' * (launch.seeds > 1)}: {len(plan.cells)} cells, {len(plan.stages)} distinct stages, "
        f"{len(finished)} of them finished.",
        soft_wrap=True,
    )
    table = Table("stages", "kind", "finished", box=None, pad_edge=False)
    for kind, count in plan.counts().items():
        done = sum(plan.stages[signature].kind == kind for signature in finished)
        table.add_row(str(count), kind, str(done))
    console.print(table)
    names = stage_names(plan)
    for signature in plan.stages:
        console.print(
            f"  {'done' if signature in finished else '    '}  {signature:<38} {names[signature]}", soft_wrap=True
        )
    for need, cells in plan.waiting().items():
        more = f" and {len(cells) - 1} more cells" if len(cells) > 1 else ""
        console.print(f"  waits for {need} ({cells[0].name}{more})", soft_wrap=True, markup=False)


def _on_cluster(launch: Launch, arguments: argparse.Namespace, console: Console) -> int:
    from ablations.launch.submit import Words, forecast, submit  # submitit: not needed elsewhere

    if arguments.dry_run:
        _dry_run(launch, console)
        forecast(launch, arguments.max_gpu_hours, console)
        return 0
    return submit(launch, Words(tuple(arguments.names), arguments.data), arguments.max_gpu_hours, _reports, console)


def _reports(launch: Launch, wall_seconds: float) -> Sequence[Report]:
    from reports.pages import joint  # pandas and matplotlib: not needed to list or to plan
    from reports.several import Order, build_all

    where = launch.scale, launch.info, launch.home
    orders = [
        Order(one.word, *where, launch.seeds, one.only, one.protocol, wall_seconds=wall_seconds)
        for one in launch.selected
    ]
    built = list(build_all(orders))
    joint.renew([one.ablation.name for one in launch.selected], *where, memory=launch.home)
    return built


def main(words: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    arguments, console = _arguments(words), Console()
    try:
        if arguments.list:
            _list(console)
            return 0
        launch = _resolve(arguments)
        if arguments.preflight and not arguments.dry_run:
            from ablations.launch.preflight import preflight

            preflight(launch, arguments.cluster == "slurm", console)
        if arguments.cluster == "slurm":
            return _on_cluster(launch, arguments, console)
        if arguments.dry_run:
            _dry_run(launch, console)
            return 0
        from ablations.launch.execute import execute

        return execute(launch, _reports, console)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        if not disk_full(error):
            raise
        print(full_sentence(home_folder(arguments.home)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; what was finished is kept and the same command goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""The command that builds reports from the store: `python -m reports.build NAME…|all`."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from ablations.selection import Selected, select
from mae_core.arguments import Parser
from mae_core.data.catalogue import DataInfo, describe
from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.scales import Scale, scale_named
from mae_core.store.space import disk_full
from mae_core.tracking.recovery.recovered import recovered
from reports.results import seeds_found


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m reports.build", description="Build tables, figures and notebooks from the store.")
    parser.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="an ablation, NAME:CASE to count one row, NAME/PROTOCOL one protocol, a spec file, table_1, or all",
    )
    parser.add_argument("--scale", default="mini", help="default: mini")
    parser.add_argument("--data", help="a data set or image folder; default: the scale's")
    parser.add_argument("--home", help="default: $MAE_HOME, else ./out")
    parser.add_argument("--mlflow", metavar="URI", help="build from this tracker alone; the reports go into the home")
    parser.add_argument("--seeds", type=int, metavar="N", help="seeds 0 … N-1; default: all that have a run")
    return parser.parse_args(words)


def _build(words: Sequence[str] | None) -> int:
    arguments = _arguments(words)
    scale = scale_named(arguments.scale)
    if arguments.seeds is not None and arguments.seeds < 1:
        raise UserError(f"--seeds {arguments.seeds} asks for no seed; write 1 or more.")
    home = home_folder(arguments.home)
    selected = [one.given(scale, home) for one in select(_expanded(arguments.names))]
    info = describe(arguments.data or scale.data, home)
    with recovered(arguments.mlflow, scale.name, info.name) if arguments.mlflow else nullcontext(home) as memory:
        return _build_from(memory, selected, scale, info, home, arguments)


def _expanded(names: Sequence[str]) -> list[str]:
    """`table_1` is its six parts, and the sheet that shows them on one page."""
    from reports.pages import sheet

    return [part for name in names for part in ([a.name for a in sheet.parts()] if name == sheet.NAME else [name])]


def _build_from(
    memory: Path,
    selected: Sequence[Selected],
    scale: Scale,
    info: DataInfo,
    home: Path,
    arguments: argparse.Namespace,
) -> int:
    """Build from the store of `memory` into `home`."""
    from reports.pages import joint, sheet
    from reports.several import Order, build_all

    found = {one.ablation.name: seeds_found(one.ablation, scale, info, memory) for one in selected}
    started = [one for one in selected if found[one.ablation.name]]
    whole = {"all", sheet.NAME} & set(arguments.names)
    if not started or (len(started) < len(selected) and not whole):
        without = [_word(one) for one in selected if not found[one.ablation.name]]
        raise UserError(
            f"There is no run of {' '.join(arguments.names if whole else without)} at scale {scale.name} on "
            f"{info.name} in {arguments.mlflow or home}; start one with "
            f"`{_launch(_expanded(arguments.names) if whole else without, arguments)}`."
        )
    failed = False
    orders = [
        Order(one.word, scale, info, home, seeds, one.only, one.protocol, memory=memory)
        for one in started
        for seeds in [arguments.seeds or found[one.ablation.name]]
    ]
    for one, built in zip(started, build_all(orders), strict=True):
        failed |= built.failed
        counts = ", ".join(f"{count} {status}" for status, count in sorted(built.counts.items()))
        print(f"{one.ablation.name}: {counts}. {built.verdict}\n{built.folder / 'report.html'} ({built.seconds:.1f} s)")
    page = joint.renew(found, scale, info, home, memory, arguments.seeds if whole else None)
    if page is not None:
        print(f"{sheet.NAME}: {page / 'report.html'}")
    return int(failed)


def _word(one: Selected) -> str:
    """What selects the same row and protocol again."""
    row = one.word if one.only is None else f"{one.word}:{one.only}"
    return row if one.protocol is None else f"{row}/{one.protocol}"


def _launch(names: Sequence[str], arguments: argparse.Namespace) -> str:
    """The command that computes `names` where reports were asked for."""
    asked = {"--scale": arguments.scale, "--data": arguments.data, "--home": arguments.home}
    options = [word for name, value in asked.items() if value for word in (name, value)]
    return shlex.join(["python", "-m", "ablations.run", *names, *options])


def main(words: Sequence[str] | None = None) -> int:
    """Exit status: 0 built, 1 built but a cell had failed, 2 bad usage or no run at all, 130 interrupted."""
    try:
        return _build(words)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; reports that were finished are kept.", file=sys.stderr)
        return 130
    except OSError as error:
        if not disk_full(error):
            raise
        print(f"disk: no space is left for {error.filename or 'the reports'}; free some and repeat.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

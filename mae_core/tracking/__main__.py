"""Bring MLflow up to date with a home, or a home's results back from MLflow.

python -m mae_core.tracking sync                      once
python -m mae_core.tracking sync --follow 10          every ten seconds, until interrupted
python -m mae_core.tracking recover FOLDER --mlflow URI --scale mini --data fashion_mnist
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mae_core.arguments import Parser
from mae_core.errors import TrackerError, UserError
from mae_core.home import home_folder
from mae_core.tracking.destination import Destination
from mae_core.tracking.environment import ENVIRONMENT
from mae_core.tracking.follow import later
from mae_core.tracking.synchronise import Outcome, follow, synchronise

NICENESS = 10  # of a writer that works beside training


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) < float("inf"):
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m mae_core.tracking", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sync = commands.add_parser("sync", help="send what MLflow lacks")
    sync.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    sync.add_argument("--follow", type=_seconds, metavar="SECONDS", help="go on looking, every so many seconds")
    sync.set_defaults(does=_sync)
    recover = commands.add_parser("recover", help="make a home-shaped folder of what MLflow has, for reports")
    recover.add_argument("folder", type=Path, metavar="FOLDER", help="an empty one, or one to be made")
    recover.add_argument("--mlflow", required=True, metavar="URI", help="where it is kept")
    recover.add_argument("--scale", required=True)
    recover.add_argument("--data", required=True)
    recover.set_defaults(does=_recover)
    return parser.parse_args(words)


def _print(outcome: Outcome, destination: Destination) -> None:
    print(f"{outcome.replayed} runs brought up to date in {destination.shown}.")
    page = destination.shown.rstrip("/") if destination.remote else "http://127.0.0.1:5000"
    if outcome.views and not destination.remote:
        print(f"To look at them: mlflow ui --backend-store-uri {destination.shown}")
    for ablation, address in outcome.views:
        print(f"{ablation}: {page}/{address}")


def _sync(arguments: argparse.Namespace) -> int:
    home = home_folder(arguments.home)
    if arguments.follow:
        os.nice(NICENESS)
        outcome = follow(home, arguments.follow)
    else:
        outcome = synchronise(home)
    if outcome.failure:
        print(later(home, outcome.failure), file=sys.stderr)
        return 1
    _print(outcome, Destination.of(home))
    return 0


def _recover(arguments: argparse.Namespace) -> int:
    folder, source = arguments.folder, Destination.at(arguments.folder, arguments.mlflow)
    if folder.is_dir() and any(folder.iterdir()):
        raise TrackerError(f"{folder} is not empty; name another folder.")
    if source.database is not None and not source.database.is_file():
        raise TrackerError(f"There is no database {source.database}; name the one that runs were synced to.")
    if source.refusal:
        raise TrackerError(f"{source.refusal}, as http://HOST:PORT or sqlite:///FILE.")
    unreachable = source.unreachable()
    if unreachable:
        raise TrackerError(f"{unreachable}; start it, or name another.")
    from mae_core.tracking.recovery.recover import recover  # not above: MLflow takes seconds

    folder.mkdir(parents=True, exist_ok=True)
    try:
        count = recover(source.uri, folder, arguments.scale, arguments.data)
    except UserError:
        raise
    except Exception as error:  # whatever MLflow raises, the person needs its first line
        raise TrackerError(f"{source.shown} cannot be read: {(str(error).splitlines() or [''])[0]}") from None
    print(f"{count} runs from {source.shown} in {folder}.")
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """The command; 0 if all is synced or recovered, 1 if not synced, 2 on bad usage."""
    arguments = _arguments(words)
    os.environ.update(ENVIRONMENT)
    try:
        return int(arguments.does(arguments))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

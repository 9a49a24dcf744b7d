"""Bring MLflow up to date with a home.

python -m mae_core.tracking sync                      once
python -m mae_core.tracking sync --follow 10          every ten seconds, until interrupted
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.tracking.destination import Destination
from mae_core.tracking.follow import later
from mae_core.tracking.synchronise import ENVIRONMENT, Outcome, follow, synchronise

NICENESS = 10  # of a writer that works beside training


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError
    return seconds


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m mae_core.tracking", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sync = commands.add_parser("sync", help="send what MLflow lacks")
    sync.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    sync.add_argument("--follow", type=_seconds, metavar="SECONDS", help="go on looking, every so many seconds")
    return parser.parse_args(words)


def _print(outcome: Outcome, destination: Destination) -> None:
    print(f"{outcome.replayed} runs brought up to date in {destination.shown}.")
    page = destination.shown.rstrip("/") if destination.remote else "http://127.0.0.1:5000"
    if outcome.views and not destination.remote:
        print(f"To look at them: mlflow ui --backend-store-uri {destination.shown}")
    for ablation, address in outcome.views:
        print(f"{ablation}: {page}/{address}")


def main(words: Sequence[str] | None = None) -> int:
    """The command; 0 if all is synced, 1 if not, 2 on bad usage."""
    arguments = _arguments(words)
    os.environ.update(ENVIRONMENT)
    try:
        home = home_folder(arguments.home)
        if arguments.follow:
            os.nice(NICENESS)
            outcome = follow(home, arguments.follow)
        else:
            outcome = synchronise(home)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if outcome.failure:
        print(later(home, outcome.failure), file=sys.stderr)
        return 1
    _print(outcome, Destination.of(home))
    return 0


if __name__ == "__main__":
    sys.exit(main())

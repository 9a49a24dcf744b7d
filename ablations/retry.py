"""Submit again what failed, diverged, was cancelled or given up: python -m ablations.retry mask_ratio

On a cluster it goes into the queue; without one, the same `ablations.run` command does the same on this machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ablations.launch.launched import signatures_of
from mae_core.arguments import Parser
from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.launch.slurm.launches import ClusterLaunch, Launches
from mae_core.launch.slurm.settings import ClusterError, find, load
from mae_core.launch.slurm.submitting.snapshot import take_snapshot
from mae_core.launch.slurm.submitting.submit import Cluster
from mae_core.signature import from_document
from mae_core.store.run import Store


def main(words: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = Parser(
        prog="python -m ablations.retry", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="+", metavar="NAME", help="an ablation, NAME:CASE, either with /PROTOCOL, a cell, or all"
    )
    parser.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    arguments = parser.parse_args(words)
    try:
        store = Store(home_folder(arguments.home))
        signatures = signatures_of(store, arguments.names)
        left = [s for s in signatures if store.run(s).finished is None]
        if not left:
            print("Everything is finished.")
            return 0
        submitted = _submit(store, signatures)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{submitted} stages submitted; {len(left) - submitted} are under way or wait.")
    return 0


def _submit(store: Store, signatures: list[str]) -> int:
    """Submit the open stages; the launch that first asked for them builds its report anew."""
    path = find(store.home)
    documents = [document for s in signatures if (document := store.run(s).document)]
    stages = [from_document(document) for document in documents]
    snapshot, launches = take_snapshot(store.home), Launches(store.home)
    asked = [one for one in launches.all() if set(one.signatures) & set(signatures)]
    reports = [words for one in asked for words in one.reports]
    launches.begin(ClusterLaunch.of(signatures, reports, snapshot, path.absolute()))
    done = Cluster(store.home, load(path), snapshot).submit(stages, again=True, keeper=True)
    if done.refused and not done.submitted:
        raise ClusterError(f"{done.refused} Nothing was submitted; correct cluster.toml, or try again later.")
    return done.stages


if __name__ == "__main__":
    sys.exit(main())

"""Take stages out of the cluster's queue, and end those that run: python -m ablations.cancel mask_ratio

What a stage has computed is kept; the same `ablations.run` command, or `ablations.retry`, goes on from there. Stages
that rows of other ablations share are spared unless those are named too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ablations.launch.launched import signatures_of
from mae_core.arguments import Parser
from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.launch.slurm.cancel import cancel
from mae_core.store.run import Store
from mae_core.tracking.content.labels import read_labels


def main(words: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = Parser(
        prog="python -m ablations.cancel", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="+", metavar="NAME", help="an ablation, NAME:CASE, either with /PROTOCOL, a cell, or all"
    )
    parser.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    arguments = parser.parse_args(words)
    try:
        store = Store(home_folder(arguments.home))
        mine = signatures_of(store, arguments.names)
        others = [s for s in read_labels(store.home) if s not in set(mine)]
        shared = set(_with_ancestors(store, others))
        ended = cancel(store, [signature for signature in mine if signature not in shared])
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{ended.stages} stages cancelled, {ended.jobs} of them by ending their jobs.")
    return 0


def _with_ancestors(store: Store, signatures: Sequence[str]) -> list[str]:
    found: list[str] = []
    for signature in signatures:
        document = store.run(signature).document or {}
        parents = [parent["signature"] for parent in document.get("parents", ())]
        found += [signature, *_with_ancestors(store, parents)]
    return found


if __name__ == "__main__":
    sys.exit(main())

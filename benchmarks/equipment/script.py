"""What one would run without the harness: one process for some cells of a row, one after another, on all cores.

python -m benchmarks.equipment.script mask_ratio 75 finetune linear_probe --scale smoke
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from ablations.paper import ABLATIONS
from benchmarks.equipment.homes import empty_home
from mae_core.data.catalogue import describe
from mae_core.scales import scale_named
from mae_core.signature import Stage
from mae_core.stages.obtain import obtain
from mae_core.store.attempt import Watch
from mae_core.store.run import Store


def on_all_cores(stage: Stage) -> Stage:
    """The same stage with as many threads as PyTorch takes by itself."""
    parents = tuple(on_all_cores(parent) for parent in stage.parents)
    return Stage(replace(stage.recipe, threads=None), parents)


def do(stage: Stage, store: Store) -> None:
    """The stage after its parents."""
    for parent in stage.parents:
        do(parent, store)
    store.plan(stage)
    outcome = obtain(stage.signature, store, Watch())
    if outcome.ending != "done":
        raise RuntimeError(f"{stage.signature} {outcome.ending}: {outcome.reason}")


def main() -> None:
    """Train and score the row's cells of those protocols in a home of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ablation")
    parser.add_argument("key")
    parser.add_argument("protocols", nargs="+")
    parser.add_argument("--scale", required=True)
    asked = parser.parse_args()
    scale = scale_named(asked.scale)
    with empty_home() as home:
        cells = ABLATIONS[asked.ablation].cells(scale, describe(scale.data, home), 1, asked.key)
        for cell in cells:
            if cell.protocol in asked.protocols and cell.stage is not None:
                do(on_all_cores(cell.stage), Store(home))


if __name__ == "__main__":
    main()

"""The preflight: two micro-batches and one update of every distinct shape of stage, before anything long is started.

It finds what a plan would stumble over hours later: data that are not there, a recipe that a kind of stage refuses,
a model that does not fit the card. Its runs live in a home of their own, `HOME/preflight`.
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from ablations.launch.execute import have_data_of
from ablations.launch.launch import Launch
from mae_core.errors import UserError
from mae_core.launch.slurm.settings import ClusterSettings, Shape, find, load
from mae_core.recipes import Recipe, RobustnessRecipe
from mae_core.signature import Stage
from mae_core.store.attempt import Watch
from mae_core.store.run import Store

MICRO_BATCH = 4
FEW: dict[str, Any] = {
    "seed": 0,
    "epochs": 1,
    "warmup_epochs": 0.0,
    "batch_size": 2 * MICRO_BATCH,
    "train_images": 2 * MICRO_BATCH,
    "fit_images": 64,
    "labels": 2 * MICRO_BATCH,
    "scored_images": MICRO_BATCH,
    "views": 1,
    "micro_batch": MICRO_BATCH,
    "timed_steps": 1,
    "timed_batch": MICRO_BATCH,
    "components": MICRO_BATCH,
    "neighbours": MICRO_BATCH,
}
CHOSEN_AMONG = {"base_lrs", "penalties"}  # where there is one, nothing is scored to choose
ALL = {"train_images", "labels", "scored_images", "micro_batch"}  # where None means all there are, a few


def shortened(stage: Stage, shapes: Callable[[str], Shape] | None = None) -> Stage:
    """The same work on two micro-batches: one update, whatever the schedule.

    On a cluster, where `shapes` gives each kind of stage its job, these are two on each rank, of the images that the
    settings name, but no more in all than the recipe's own batch.
    """
    few = FEW
    if shapes is not None:
        shape = shapes(stage.kind)
        batch = min(2 * (shape.micro_batch or MICRO_BATCH) * shape.ranks, getattr(stage.recipe, "batch_size", 0))
        few = FEW | dict.fromkeys(("batch_size", "train_images", "labels"), max(batch, FEW["batch_size"]))
    values = {
        field.name: few[field.name]
        for field in dataclasses.fields(stage.recipe)
        if field.name in few and (getattr(stage.recipe, field.name) is not None or field.name in ALL)
    }
    if isinstance(stage.recipe, RobustnessRecipe):
        del values["labels"]  # it learns nothing
    for name in CHOSEN_AMONG & {field.name for field in dataclasses.fields(stage.recipe)}:
        values[name] = getattr(stage.recipe, name)[:1]
    recipe: Recipe = dataclasses.replace(stage.recipe, **values)
    return Stage(recipe, tuple(shortened(parent, shapes) for parent in stage.parents))


def _fresh_home(launch: Launch) -> Path:
    """An empty home that has the launch's data and files."""
    home = launch.home / "preflight"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    for name in ("data", "weights"):
        if (launch.home / name).exists():
            (home / name).symlink_to((launch.home / name).resolve(), target_is_directory=True)
    return home


def preflight(launch: Launch, on_cluster: bool, console: Console) -> None:
    """Try every distinct shape of the launch's stages. Raises UserError for the first that fails."""
    plan = have_data_of(launch)
    settings = load(find(launch.home)) if on_cluster else None
    stages: dict[str, Stage] = {}
    for stage in plan.stages.values():
        for one in shortened(stage, settings.shape if settings else None).with_parents():
            stages.setdefault(one.signature, one)
    home = _fresh_home(launch)
    store, begun = Store(home), time.monotonic()
    for stage in stages.values():
        store.plan(stage)
    failures = _on_cluster(settings, home, stages) if settings else _here(store, stages)
    if failures:
        signature, reason = next(iter(failures.items()))
        raise UserError(
            f"{len(failures)} of {len(stages)} shapes failed; the first is {signature}: {reason} "
            f"(its log is in {home / 'runs' / signature})."
        )
    console.print(f"Preflight: {len(stages)} shapes did one update each, {time.monotonic() - begun:.0f} s.")


def _here(store: Store, stages: dict[str, Stage]) -> dict[str, str]:
    from mae_core.stages.obtain import obtain  # torch

    failures: dict[str, str] = {}
    for signature in stages:
        outcome = obtain(signature, store, Watch())
        if outcome.ending not in ("done", "waiting"):
            failures[signature] = f"{outcome.ending}: {outcome.reason}"
    return failures


def _on_cluster(settings: ClusterSettings, home: Path, stages: dict[str, Stage]) -> dict[str, str]:
    """The same in jobs, which are waited for."""
    from mae_core.launch.slurm.submitting.snapshot import take_snapshot  # submitit: not needed here
    from mae_core.launch.slurm.submitting.submit import Cluster

    cluster, watch = Cluster(home, settings, take_snapshot(home)), Watch()
    done = cluster.submit(list(stages.values()), watch=watch)
    while done.submitted or done.standing.moving:
        if done.refused:
            raise UserError(f"{done.refused} The preflight did not run.")
        time.sleep(min(settings.poll_seconds, 10.0))
        done = cluster.submit(list(stages.values()), watch=watch, spare=lambda found, *_: found.open.clear())
    return {s: done.standing.ended.get(s, "its job ended without a word") for s in set(stages) - done.standing.done}

"""Pruning: the same search without it and with it; the epochs that each trained, and how good their winners are.

The searches share a store, so what the first trained costs the second nothing: it reads the rungs in the journals of
finished runs. The home stays beneath the usual one, and an interrupted benchmark goes on from there.
"""

from __future__ import annotations

import signal
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from scipy import stats

from benchmarks.equipment.duel import spread
from benchmarks.equipment.result import Line
from mae_core.data.catalogue import DataInfo, describe
from mae_core.data.fashion_mnist import obtain
from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.launch.local import Pool
from mae_core.launch.worker import Wish
from mae_core.scales import Scale, scale_named
from mae_core.signature import Stage
from mae_core.store.run import Store
from sweeps.rungs import rungs_of, searched, trained_epochs
from sweeps.studies import LINEAR_PROBE_LR, PRETRAIN_LR
from sweeps.study import Study
from sweeps.trials import Files, Trials, register
from sweeps.worker import work

SEEDS = 3


@dataclass(frozen=True)
class Searched:
    """What a search came to."""

    trials: int
    pruned: int
    epochs: float  # trained of the stage that is searched, by all trials
    winner: str
    heldout: tuple[float, ...]  # the winner's top-1 on held-out train images, by seed


def lines(scale: str = "smoke") -> Iterator[Line | str]:
    """Epochs without pruning over epochs with it, and the winners of both."""
    for study in (LINEAR_PROBE_LR, PRETRAIN_LR):
        home, at = _home(scale), scale_named(scale)
        info = describe(at.data, home)
        full = _search(replace(study, rungs=()), f"{study.name}-full", at, info, home)
        pruned = _search(study, f"{study.name}-pruned", at, info, home)
        where = f"{study.name}, {scale}, {pruned.pruned} of {pruned.trials} trials pruned"
        yield Line("epochs", where, f"{full.epochs:g} without pruning", spread([full.epochs / pruned.epochs]))
        yield f"  without: {_told(full)}\n  with: {_told(pruned)}\n  {_difference(full, pruned)}"


def mini() -> Iterator[Line | str]:
    """The same at mini: the better part of an hour."""
    return lines("mini")


def _home(scale: str) -> Path:
    usual = home_folder(None)
    obtain(usual)
    home = usual / "benchmarks" / f"pruning-{scale}"
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "data").exists():
        (home / "data").symlink_to(usual / "data", target_is_directory=True)
    return home


def _search(study: Study, file: str, scale: Scale, info: DataInfo, home: Path) -> Searched:
    """One worker's search, so that the sampler says the same each time; its winner with more seeds."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    wish = Wish()
    files, store = Files(home, file, scale, info), Store(home)
    blocked = work(study, files, study.trials, wish)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    if wish.requested():
        raise KeyboardInterrupt
    if blocked:
        raise UserError(blocked)
    trials = Trials(study, files, register(files), study.trials)
    found, (best,) = trials.all(), trials.best(1)
    rungs = rungs_of(study, scale, info)
    stages = [searched(study.stage(trial.params, scale, info), study.space) for trial in found]
    return Searched(
        trials=len(found),
        pruned=sum(trial.state.name == "PRUNED" for trial in found),
        epochs=sum(trained_epochs(*one, rungs, store) for one in zip(found, stages, strict=True)),
        winner=best.user_attrs["signature"],
        heldout=_repeated([study.stage(best.params, scale, info, seed) for seed in range(SEEDS)], store, scale),
    )


def _repeated(stages: list[Stage], store: Store, scale: Scale) -> tuple[float, ...]:
    wanted = [one for stage in stages for one in stage.with_parents()]
    for stage in wanted:
        store.plan(stage)
    Pool(store, wanted, scale.threads).run(lambda _: None)
    return tuple(store.run(stage.signature).metrics["top1"] for stage in stages)


def _told(search: Searched) -> str:
    mean, std = statistics.fmean(search.heldout), statistics.stdev(search.heldout)
    return f"{search.epochs:g} epochs, winner {search.winner}, held-out top-1 {mean:.2f} ± {std:.2f} (n = {SEEDS})"


def _difference(full: Searched, pruned: Searched) -> str:
    if full.winner == pruned.winner:
        return "Both searches have the same winner."
    apart = [mine - theirs for mine, theirs in zip(pruned.heldout, full.heldout, strict=True)]
    low, high = stats.ttest_1samp(apart, 0.0).confidence_interval()
    where = "within" if low <= 0 <= high else "beyond"
    mean = statistics.fmean(apart)
    return f"With pruning {mean:+.2f}, paired 95 % interval {low:+.2f} to {high:+.2f}: {where} the noise of seeds."

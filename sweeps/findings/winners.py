"""Winners: the best trials again with more seeds, the best of these on test, once, beside the scale's own settings."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from scipy import stats

from mae_core.data.catalogue import DataInfo
from mae_core.scales import Scale
from mae_core.signature import Stage
from mae_core.store.run import Store
from mae_core.tracking.content.labels import write_labels
from mae_core.tracking.studies.record import PREFIX
from sweeps.study import Study
from sweeps.trials import Trials

Split = Literal["heldout", "test"]
Doing = Callable[[Iterable[Stage]], None]  # has stages done, however

PLAIN = "the scale's own"


@dataclass(frozen=True)
class Candidate:
    """A setting and its numbers, one for each seed."""

    name: str
    params: dict[str, Any]
    heldout: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Held-out top-1 over seeds, in per cent."""
        return statistics.fmean(self.heldout)

    @property
    def std(self) -> float | None:
        """Its spread over seeds; None of one."""
        return statistics.stdev(self.heldout) if len(self.heldout) > 1 else None


@dataclass(frozen=True)
class Verdict:
    """What a study found."""

    study: Study
    candidates: tuple[Candidate, ...]  # best first; one of them the scale's own settings
    winner: Candidate
    tuned: tuple[float, ...]  # the winner's test top-1 by seed
    plain: tuple[float, ...]  # the scale's own settings' test top-1 by seed

    def sentence(self) -> str:
        """What tuning changed, no stronger than the seeds allow."""
        gain = statistics.fmean(self.tuned) - statistics.fmean(self.plain)
        if self.winner.name == PLAIN:
            return "No trial was better on held-out images than the scale's own settings."
        told = f"The tuned settings change test top-1 by {gain:+.1f} points ({statistics.fmean(self.plain):.1f} to "
        told += f"{statistics.fmean(self.tuned):.1f})"
        if len(self.tuned) < 3:
            return f"{told}; {len(self.tuned)} seed{'s' * (len(self.tuned) > 1)} cannot tell whether that is noise."
        if len(set(self.differences)) == 1:
            return f"{told}, the same with every seed."
        low, high = stats.ttest_1samp(self.differences, 0.0).confidence_interval()
        sure = "beyond seed noise" if low > 0 or high < 0 else "within seed noise"
        return f"{told}; paired 95 % interval {low:+.1f} to {high:+.1f}: {sure}."

    @property
    def differences(self) -> list[float]:
        """Tuned minus plain, seed by seed."""
        return [tuned - plain for tuned, plain in zip(self.tuned, self.plain, strict=True)]


def decide(
    study: Study, trials: Trials, scale: Scale, info: DataInfo, store: Store, seeds: int, do: Doing
) -> Verdict | None:
    """Repeat the top trials and the scale's own settings with `seeds` seeds, choose on held-out, score once on test.

    None where no trial is complete.
    """
    best = trials.best(study.top)
    if not best:
        return None
    settings: dict[str, dict[str, Any]] = {f"trial {trial.number}": dict(trial.params) for trial in best}
    settings[PLAIN] = {}

    def stages(name: str, evaluate_on: Split) -> list[Stage]:
        return [study.stage(settings[name], scale, info, seed, evaluate_on) for seed in range(seeds)]

    def have(names: Iterable[str], evaluate_on: Split) -> None:
        wanted = {name: stages(name, evaluate_on) for name in names}
        _label(trials, wanted, evaluate_on)
        do(stage for found in wanted.values() for stage in found)

    def numbers(name: str, evaluate_on: Split) -> tuple[float, ...]:
        return tuple(store.run(stage.signature).metrics["top1"] for stage in stages(name, evaluate_on))

    have(settings, "heldout")
    candidates = sorted(
        (Candidate(name, params, numbers(name, "heldout")) for name, params in settings.items()),
        key=lambda candidate: -candidate.mean,
    )
    winner = candidates[0]
    have(dict.fromkeys((PLAIN, winner.name)), "test")
    return Verdict(study, tuple(candidates), winner, numbers(winner.name, "test"), numbers(PLAIN, "test"))


def _label(trials: Trials, wanted: Mapping[str, Iterable[Stage]], evaluate_on: Split) -> None:
    """Name the stages as cells of the study, so that the tracker puts them where its trials are."""
    files, protocol = trials.files, trials.study.evaluation.KIND + ("_test" if evaluate_on == "test" else "")
    table = f"{PREFIX}{trials.study.name}"
    cells = [
        {
            "name": f"{table}/{case}/{protocol}/{seed}",
            "case": case,
            "label": name,
            "protocol": protocol,
            "seed": seed,
            "signature": stage.signature,
        }
        for name, stages in wanted.items()
        for case in ["own" if name == PLAIN else name.replace(" ", "-")]
        for seed, stage in enumerate(stages)
    ]
    write_labels(files.home, table, files.scale, files.data, cells)

"""Winners: the best trials again with more seeds, the best of these on test with fresh ones, beside the scale's own."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scipy import stats

from mae_core.signature import Stage
from mae_core.store.run import Store
from mae_core.tracking.content.labels import read_labels, write_labels
from mae_core.tracking.studies.record import PREFIX
from sweeps.study import Study
from sweeps.trials import Trials

Split = Literal["heldout", "test"]
Doing = Callable[[Iterable[Stage]], None]  # has stages done, however

PLAIN = "the scale's own"
TEST = "_test"  # ends the protocol of cells on test images
ENOUGH = 3  # seeds, from which on an interval is told, and the seed that chose the trials does not judge them


@dataclass(frozen=True)
class Candidate:
    """A setting and its numbers, one for each seed; the first seed is the one that the trials were searched with."""

    name: str
    params: dict[str, Any]  # as proposed
    heldout: tuple[float, ...]
    settings: Mapping[str, Any]  # as run

    @property
    def judged(self) -> tuple[float, ...]:
        """The numbers that it is compared by: with enough seeds without the first, which favours what it chose."""
        return self.heldout[1:] if len(self.heldout) >= ENOUGH else self.heldout

    @property
    def mean(self) -> float:
        """Held-out top-1 over the seeds that judge, in per cent."""
        return statistics.fmean(self.judged)

    @property
    def std(self) -> float | None:
        """Its spread over them; None of one."""
        return statistics.stdev(self.judged) if len(self.judged) > 1 else None


@dataclass(frozen=True)
class Verdict:
    """What a study found."""

    study: Study
    candidates: tuple[Candidate, ...]  # best first; one of them the scale's own settings
    winner: Candidate
    tuned: tuple[float, ...]  # the winner's test top-1, by seeds that neither searched nor chose
    plain: tuple[float, ...]  # the scale's own settings' test top-1, by the same seeds
    dropped: tuple[str, ...] = ()  # candidates that did not get through all seeds, and why
    seen: tuple[
        str, ...
    ] = ()  # other candidates that test images were scored for, when there were fewer trials or seeds

    def sentence(self) -> str:
        """What tuning changed, no stronger than the seeds allow."""
        return " ".join([self._change(), *self._seen(), *(f"Left out: {one}." for one in self.dropped)])

    def _unbeaten(self) -> str:
        tried, seeds = len(self.candidates) - 1, len(self.winner.heldout)
        if not tried:
            return "No trial got through all seeds; the scale's own settings stay."
        best = f"None of the best {tried} trials was" if tried > 1 else "The best trial was not"
        told = (
            f"{best} better on held-out images than the scale's own settings, over {counted(len(self.winner.judged))}"
        )
        return f"{told}." if seeds >= ENOUGH else f"{told}, which cannot tell more."

    def _seen(self) -> list[str]:
        told = ", ".join(self.seen)
        return [f"Test images were scored before for {told}, when there were fewer trials or seeds."] if told else []

    def _change(self) -> str:
        gain = statistics.fmean(self.tuned) - statistics.fmean(self.plain)
        if self.winner.name == PLAIN:
            return self._unbeaten()
        told = f"The tuned settings change test top-1 by {gain:+.1f} points ({statistics.fmean(self.plain):.1f} to "
        told += f"{statistics.fmean(self.tuned):.1f})"
        if len(self.tuned) < ENOUGH:
            return f"{told}; {counted(len(self.tuned))} cannot tell whether that is noise."
        if len(set(self.differences)) == 1:
            return f"{told}, the same with every seed."
        low, high = interval(self.differences)
        sure = "beyond seed noise" if low > 0 or high < 0 else "within seed noise"
        return f"{told}; paired 95 % interval {low:+.1f} to {high:+.1f}: {sure}."

    @property
    def differences(self) -> list[float]:
        """Tuned minus plain, seed by seed."""
        return [tuned - plain for tuned, plain in zip(self.tuned, self.plain, strict=True)]


@dataclass(frozen=True)
class Undecided:
    """A study that came to no verdict."""

    study: Study
    why: str

    def sentence(self) -> str:
        """Why there is none."""
        return f"No verdict: {self.why}."


def counted(seeds: int) -> str:
    """So many seeds, in words."""
    return f"{seeds} seed{'s' * (seeds != 1)}"


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """The 95 % t-interval of paired differences, two or more; of equal ones their value."""
    if len(set(differences)) == 1:
        return differences[0], differences[0]
    low, high = stats.ttest_1samp(differences, 0.0).confidence_interval()
    return float(low), float(high)


def decide(trials: Trials, store: Store, seeds: int, do: Doing) -> Verdict | Undecided:
    """Repeat the top trials and the scale's own settings with `seeds` seeds, choose on held-out, score once on test.

    A candidate that does not get through all seeds is dropped; without the scale's own there is nothing to compare to.
    """
    best = trials.best(trials.study.top)
    if not best:
        return Undecided(trials.study, "no trial is complete")
    params = {f"trial {trial.number}": dict(trial.params) for trial in best} | {PLAIN: {}}
    repeats = _Repeats(trials, store, seeds, params)
    lacking = repeats.do(params, "heldout", do)
    settings = {name: trials.study.settings(repeats.stages(name, "heldout")[0]) for name in params}
    candidates = sorted(
        (Candidate(name, params[name], repeats.numbers(name, "heldout"), settings[name])
         for name in params if name not in lacking),
        key=lambda candidate: (-candidate.mean, candidate.name != PLAIN),
    )  # fmt: skip
    for winner in list(candidates):
        if PLAIN not in lacking:
            lacking |= repeats.do(dict.fromkeys((PLAIN, winner.name)), "test", do)
        if PLAIN in lacking:
            return Undecided(trials.study, lacking[PLAIN])
        if winner.name not in lacking:
            scored = repeats.numbers(winner.name, "test"), repeats.numbers(PLAIN, "test")
            seen = _seen(trials, store, {PLAIN, winner.name})
            return Verdict(trials.study, tuple(candidates), winner, *scored, tuple(lacking.values()), seen)
        candidates.remove(winner)
    return Undecided(trials.study, "; ".join(lacking.values()))


@dataclass(frozen=True)
class _Repeats:
    """The candidates' stages with every seed; on test with as many others, as seeds favour what they chose."""

    trials: Trials
    store: Store
    seeds: int
    params: Mapping[str, dict[str, Any]]  # of each candidate

    def stages(self, name: str, evaluate_on: Split) -> list[Stage]:
        study, files = self.trials.study, self.trials.files
        first = self.seeds if evaluate_on == "test" else 0
        return [
            study.stage(self.params[name], files.scale, files.info, seed, evaluate_on)
            for seed in range(first, first + self.seeds)
        ]

    def numbers(self, name: str, evaluate_on: Split) -> tuple[float, ...]:
        """Top-1 by seed of a candidate that lacks none."""
        return tuple(self.store.run(stage.signature).metrics["top1"] for stage in self.stages(name, evaluate_on))

    def do(self, names: Iterable[str], evaluate_on: Split, do: Doing) -> dict[str, str]:
        """Have the candidates' stages done; what became of those that did not get through."""
        wanted = {name: self.stages(name, evaluate_on) for name in names}
        _label(self.trials, wanted, evaluate_on)
        do(stage for found in wanted.values() for stage in found)
        told = {name: self._lacking(name, stages) for name, stages in wanted.items()}
        return {name: words for name, words in told.items() if words}

    def _lacking(self, name: str, stages: Iterable[Stage]) -> str:
        """How the first stage that is not finished ended; empty where all are."""
        for stage in stages:
            for one in stage.with_parents():
                run = self.store.run(one.signature)
                if run.finished is None:
                    record = run.attempts[-1].record if run.attempts else None
                    why = ((record or {}).get("reason") or "").rstrip(".")
                    told = ": ".join(filter(None, [one.signature, why]))
                    return f"{name} {run.status} with seed {stage.recipe.seed} ({told})"
        return ""


def _seen(trials: Trials, store: Store, reported: Collection[str]) -> tuple[str, ...]:
    """Other candidates that test images were scored for: by an earlier command, with fewer trials or seeds."""
    files, table, found = trials.files, f"{PREFIX}{trials.study.name}", []
    scored = {
        signature: label.seed
        for signature, labels in read_labels(files.home).items()
        for label in labels
        if label.ablation == table and label.protocol.endswith(TEST) and store.run(signature).finished is not None
    }
    for trial in trials.best(trials.counted):
        name, seeds = f"trial {trial.number}", set(scored.values())
        stages = [trials.study.stage(trial.params, files.scale, files.info, seed, "test") for seed in sorted(seeds)]
        if name not in reported and any(stage.signature in scored for stage in stages):
            found.append(name)
    return tuple(found)


def _label(trials: Trials, wanted: Mapping[str, Iterable[Stage]], evaluate_on: Split) -> None:
    """Name the stages as cells of the study, so that the tracker puts them where its trials are."""
    files, protocol = trials.files, trials.study.evaluation.KIND + (TEST if evaluate_on == "test" else "")
    table = f"{PREFIX}{trials.study.name}"
    cells = [
        {
            "name": f"{table}/{case}/{protocol}/{stage.recipe.seed}",
            "case": case,
            "label": name,
            "protocol": protocol,
            "seed": stage.recipe.seed,
            "signature": stage.signature,
        }
        for name, stages in wanted.items()
        for case in ["own" if name == PLAIN else name.replace(" ", "-")]
        for stage in stages
    ]
    write_labels(files.home, table, files.scale.name, files.info.name, cells)

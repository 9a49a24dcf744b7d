"""Baselines: which of the four trivial rivals MAE beats at the same label budget, and which it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ablations.spec.protocols import PROTOCOL_LABELS, TOP1, metric
from reports.results import Results
from reports.tables.rows import worst
from reports.verdicts.statistics import Spread
from reports.verdicts.verdict import FEWEST_SEEDS, count_of_seeds

State = Literal["beats", "is beaten by", "cannot be told from", "so far beats", "so far does not beat"]

_AS: Mapping[str, str] = {"finetune": "MAE fine-tuned", "linear_probe": "MAE linearly probed"}  # of what rivals meet


@dataclass(frozen=True)
class Comparison:
    """The default row under one protocol against one baseline: the difference MAE - baseline, paired by seed."""

    protocol: str
    baseline: str  # its label
    difference: Spread
    status: str  # the worst of the two

    @property
    def state(self) -> State | None:
        """What is to be said of MAE and the baseline; None without a number.

        The whole t-interval decides; with fewer than three seeds, which may be luck, the sign is said as one so far.
        """
        difference = self.difference
        if difference.mean is None:
            return None
        if self.few or difference.low is None or difference.high is None:
            return "so far beats" if difference.mean > 0 else "so far does not beat"
        if difference.low <= 0 <= difference.high:
            return "cannot be told from"
        return "beats" if difference.mean > 0 else "is beaten by"

    @property
    def few(self) -> bool:
        """Whether it rests on too few seeds to be sure."""
        return self.difference.n < FEWEST_SEEDS

    def told(self) -> str:
        """The comparison in words."""
        return f"{self._mae} minus {self.baseline}: {self._by()}"

    def named(self) -> str:
        """The baseline, and in brackets by how much MAE is ahead of it."""
        return f"{self.baseline} ({self._mae} minus it: {self._by()})"

    @property
    def _mae(self) -> str:
        return _AS.get(self.protocol, f"MAE under {PROTOCOL_LABELS.get(self.protocol, self.protocol)}")

    def _by(self) -> str:
        difference = self.difference
        if difference.mean is None:
            return f"no number yet ({self.status})"
        interval = ""
        if difference.low is not None and difference.high is not None:
            interval = f", 95 % interval {difference.low:+.2f} to {difference.high:+.2f}"
        return f"{difference.mean:+.2f} points{interval}, {count_of_seeds(difference.n)}"


def compare(results: Results) -> list[Comparison]:
    """The default row against each baseline under each protocol the two share.

    Logistic regression has a protocol of its own and is compared with every column of accuracies that the row has.
    """
    rivals = dict.fromkeys((r.cell.case.key, r.cell.protocol, r.cell.case.label) for r in results.baselines)
    default = results.ablation.default
    return [
        Comparison(
            protocol,
            label,
            results.difference((default, protocol), (key, kind)),
            worst(r.status for column in ((default, protocol), (key, kind)) for r in results.by_column[column]),
        )
        for protocol in results.protocols
        for key, kind, label in rivals
        if (default, protocol) in results.by_column
        and (kind == protocol or (kind == "logistic_regression" and metric(protocol) == TOP1))
    ]


def _why_none(results: Results) -> str:
    if results.scale.name == "paper":
        return "at the paper's scale its own numbers are the rivals"
    return (
        "no column is an accuracy of fine-tuning or linear probing" if results.info.labelled else "there are no labels"
    )


def sentence(results: Results, comparisons: list[Comparison]) -> str:
    """One sentence that names every baseline that MAE, at the default row, does not beat or cannot be told from."""
    if not comparisons:
        return f"No baselines are drawn here: {_why_none(results)}."
    row = f"MAE at the default row ({results.ablation.case(results.ablation.default).label})"
    told = [c for c in comparisons if c.state is not None]
    if not told:
        return f"{row} cannot be compared with the baselines yet."
    unknown = f", but not all are there yet: {len(told)} of {len(comparisons)} comparisons can be made"
    return f"{row} {_verdict(told)}{_luck(told)}{unknown if len(told) < len(comparisons) else ''}."


def _verdict(told: Sequence[Comparison]) -> str:
    """Every rival that is not beaten by name, the others as one."""
    by_state: dict[State | None, list[str]] = {}
    for comparison in told:
        by_state.setdefault(comparison.state, []).append(comparison.named())
    named: tuple[State, ...] = ("is beaten by", "so far does not beat", "cannot be told from")
    parts = [f"{state} {'; '.join(by_state[state])}" for state in named if state in by_state]
    if won := by_state.keys() - set(named):
        beats = "beats" if "beats" in won else "so far beats"
        parts.append(f"{beats} {'every other' if parts else 'every baseline'}")
    return ", and ".join(parts)


def _luck(told: Sequence[Comparison]) -> str:
    """That what rests on few seeds may be luck, whichever way it points."""
    few = [comparison.difference.n for comparison in told if comparison.few]
    if not few:
        return ""
    which = "this rests" if len(few) == len(told) else "some of this rests"
    return f"; {which} on {count_of_seeds(min(few))} and may be luck ({FEWEST_SEEDS} are needed)"

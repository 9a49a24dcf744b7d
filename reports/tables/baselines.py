"""Baselines: where MAE beats the four trivial rivals at the same label budget, and where it does not."""

from __future__ import annotations

from dataclasses import dataclass

from ablations.spec.protocols import PROTOCOL_LABELS, TOP1, metric
from reports.results import Results
from reports.tables.rows import worst
from reports.verdicts.statistics import Spread
from reports.verdicts.verdict import FEWEST_SEEDS, count_of_seeds


@dataclass(frozen=True)
class Comparison:
    """The default row under one protocol against one baseline: the difference MAE - baseline, paired by seed."""

    protocol: str
    baseline: str  # its label
    difference: Spread
    status: str  # the worst of the two

    @property
    def beaten(self) -> bool:
        """Whether MAE is better: beyond the t-interval where there are three seeds, on the mean otherwise."""
        difference = self.difference
        if difference.n >= FEWEST_SEEDS and difference.low is not None:
            return difference.low > 0
        return difference.mean is not None and difference.mean > 0

    def told(self) -> str:
        """The comparison in words."""
        difference = self.difference
        rival = f"{self.baseline}, under {PROTOCOL_LABELS.get(self.protocol, self.protocol)}"
        if difference.mean is None:
            return f"{rival}: no number yet ({self.status})"
        interval = ""
        if difference.low is not None and difference.high is not None:
            interval = f", 95 % interval {difference.low:+.2f} to {difference.high:+.2f}"
        return f"{rival}: {difference.mean:+.2f} points{interval}, {count_of_seeds(difference.n)}"


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
    """One sentence that names every baseline that MAE, at the default row, does not beat."""
    if not comparisons:
        return f"No baselines are drawn here: {_why_none(results)}."
    row = f"MAE at the default row ({results.ablation.case(results.ablation.default).label})"
    told = [c for c in comparisons if c.difference.mean is not None]
    if not told:
        return f"{row} cannot be compared with the baselines yet."
    lost = [c.told() for c in told if not c.beaten]
    unknown = f", but not all are there yet: {len(told)} of {len(comparisons)} comparisons can be made"
    verdict = f"does not beat {'; '.join(lost)}" if lost else "beats every baseline"
    fewest = min(c.difference.n for c in told)
    if not lost and fewest < FEWEST_SEEDS:
        verdict += f" with {count_of_seeds(fewest)}, which may be luck ({FEWEST_SEEDS} are needed)"
    return f"{row} {verdict}{unknown if len(told) < len(comparisons) else ''}."

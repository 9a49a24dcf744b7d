"""Compare two result sets cell by cell: `python -m reports.diff A B [NAME …]`, each a home or a bundle.

A cell is matched by its name, scale and data. Seeds that both sides have are compared in pairs; where every pair rests
on the same run, nothing was computed twice and the line says so.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mae_core.arguments import Parser
from mae_core.errors import UserError
from mae_core.store.bundle import opened
from mae_core.store.run import Store
from mae_core.tracking.content.labels import read_labels
from reports.measures.metrics import Metric, metric
from reports.verdicts.statistics import Spread, paired, spread

LINE = 200  # where there is no terminal
Key = tuple[str, str, str, str, str]  # ablation, scale, data, case, protocol


@dataclass
class Side:
    """What one result set has of one row of one column, by seed."""

    signatures: dict[int, str] = field(default_factory=dict)
    values: dict[int, float] = field(default_factory=dict)
    origins: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def own(self) -> dict[int, float]:
        """One value for each run: where nothing is random, all seeds share one."""
        first = {signature: seed for seed, signature in sorted(self.signatures.items(), reverse=True)}
        return {seed: self.values[seed] for seed in sorted(first.values())}


@dataclass(frozen=True)
class Comparison:
    """A row of a column in A and in B."""

    key: Key
    a: Side
    b: Side

    @property
    def metric(self) -> Metric:
        """What is compared."""
        return metric(self.key[-1])

    @property
    def difference(self) -> Spread:
        """B - A, paired by seed."""
        return paired(self.b.own, self.a.own)

    @property
    def verdict(self) -> str:
        """What is to be said of it."""
        if not self.a.values or not self.b.values:
            return f"only in {'A' if self.a.values else 'B'}"
        both = sorted(self.a.values.keys() & self.b.values.keys())
        if not both:
            return "no seed in common"
        said = self._numbers(both)
        if any(self.a.signatures[seed] != self.b.signatures[seed] for seed in both):
            said += ", settings differ"
        return ", ".join([said, *self._origins(both)])

    def _numbers(self, both: Sequence[int]) -> str:
        if all(self.a.values[seed] == self.b.values[seed] for seed in both):
            return "equal"
        low, high = self.difference.low, self.difference.high
        if low is None or high is None:
            return "differs (one seed)"
        return "differs beyond seeds" if low > 0 or high < 0 else "differs within seeds"

    def _origins(self, both: Iterable[int]) -> Iterable[str]:
        """In what the two were computed differently."""
        pairs = [(self.a.origins[seed], self.b.origins[seed]) for seed in both]
        for name, of in ORIGINS.items():
            if any(of(one) != of(other) for one, other in pairs):
                yield f"{name} differs"


ORIGINS: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "code": lambda origin: origin.get("source", origin.get("commit")),
    "device": lambda origin: (origin.get("processor"), origin.get("device")),
    "torch": lambda origin: origin.get("versions", {}).get("torch"),
}


def sides(home: Path) -> dict[Key, Side]:
    """Everything that is finished in a home or unpacked bundle, by row and column."""
    store, found = Store(home), dict[Key, Side]()
    for signature, labels in read_labels(home).items():
        run = store.run(signature)
        for label in labels if run.finished is not None else ():
            value = run.metrics.get(metric(label.protocol).name)
            if value is not None:
                key = label.ablation, label.scale, label.data, label.case, label.protocol
                side = found.setdefault(key, Side())
                side.signatures[label.seed], side.values[label.seed] = signature, value
                side.origins[label.seed] = (run.record or {}).get("provenance", {})
    return found


def compare(a: Path, b: Path) -> list[Comparison]:
    """Every row and column that either home has."""
    one, other = sides(a), sides(b)
    return [Comparison(key, one.get(key, Side()), other.get(key, Side())) for key in sorted({*one, *other})]


def _number(side: Side, of: Metric) -> str:
    found = spread(list(side.own.values()))
    if found.mean is None:
        return ""
    std = "" if found.std is None else f" ± {of.plain(found.std)}"
    return f"{of.plain(found.mean)}{std} ({found.n})"


def _difference(comparison: Comparison) -> str:
    found, of = comparison.difference, comparison.metric
    if found.mean is None:
        return ""
    interval = "" if found.low is None or found.high is None else f" [{of.plain(found.low)}, {of.plain(found.high)}]"
    return f"{of.plain(found.mean, '+')}{interval}"


def table(comparisons: Iterable[Comparison]) -> Table:
    """A line for each comparison; mean ± standard deviation (n), and the paired 95 % t-interval."""
    made = Table("cell", "scale", "data", "metric", "A", "B", "B - A", "", box=None, pad_edge=False)
    for comparison in comparisons:
        ablation, scale, data, case, protocol = comparison.key
        of = comparison.metric
        numbers = _number(comparison.a, of), _number(comparison.b, of), _difference(comparison)
        made.add_row(f"{ablation}/{case}/{protocol}", scale, data, of.label, *numbers, comparison.verdict)
    return made


def summary(comparisons: Sequence[Comparison]) -> str:
    """One sentence."""
    common = [one for one in comparisons if one.difference.mean is not None]
    equal = sum(one.verdict.startswith("equal") for one in common)
    beyond = sum(one.verdict.startswith("differs beyond") for one in common)
    gaps = [abs(one.difference.mean) for one in common if one.metric.unit == "%" and one.difference.mean is not None]
    mean = f"; mean absolute difference {statistics.fmean(gaps):.2f} points" if gaps else ""
    return (
        f"{len(common)} of {len(comparisons)} rows and columns in both: {equal} equal, "
        f"{len(common) - equal} different, {beyond} of them beyond the spread of seeds{mean}."
    )


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m reports.diff", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("a", type=Path, metavar="A", help="a home, or a bundle of `python -m mae_core.store export`")
    parser.add_argument("b", type=Path, metavar="B", help="another")
    parser.add_argument("names", nargs="*", metavar="NAME", help="ablations; default: all")
    parser.add_argument("--scale", help="default: all")
    parser.add_argument("--data", help="default: all")
    return parser.parse_args(words)


def _wanted(comparison: Comparison, arguments: argparse.Namespace) -> bool:
    ablation, scale, data, *_ = comparison.key
    named = not arguments.names or ablation in arguments.names
    return named and arguments.scale in (None, scale) and arguments.data in (None, data)


def main(words: Sequence[str] | None = None) -> int:
    """The command; 0 compared, 2 bad usage or nothing to compare."""
    arguments = _arguments(words)
    try:
        with ExitStack() as stack:
            a, b = (stack.enter_context(opened(path)) for path in (arguments.a, arguments.b))
            found = [one for one in compare(a, b) if _wanted(one, arguments)]
            if not found:
                raise UserError("Neither side has a finished cell of what was asked for; leave out NAME or an option.")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    console = Console() if sys.stdout.isatty() else Console(width=LINE)
    console.print(table(found))
    console.print(summary(found), soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

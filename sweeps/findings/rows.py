"""The table of an ablation whose rows were tuned: tuned rows beside the plain ones, and what tuning changed in all."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Literal

import pandas as pd

from sweeps.findings.winners import ENOUGH, Verdict, interval

Column = Literal["plain", "tuned"]


def tuned_rows(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """A line for each row that was tuned, in the ablation's order; test top-1 in per cent, spread over seeds."""
    return pd.DataFrame(
        {
            "key": row.key,
            "row": row.label,
            "paper": row.paper,
            "plain": statistics.fmean(verdict.plain),
            "plain_std": _std(verdict.plain),
            "tuned": statistics.fmean(verdict.tuned),
            "tuned_std": _std(verdict.tuned),
            "change": statistics.fmean(verdict.differences),
            "n": len(verdict.tuned),
        }
        for verdict in verdicts
        if (row := verdict.study.row) is not None
    )


def _std(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def conclusion(verdicts: Sequence[Verdict]) -> str:
    """Whether tuning each row changes which row is best, as far as the seeds can tell, and the rows' order."""
    rows = tuned_rows(verdicts)
    if len(rows) < 2:
        return f"Tuned, the row {rows['row'][0]} changes by {rows['change'][0]:+.1f} points."
    tau = rows["plain"].corr(rows["tuned"], method="kendall")
    order = (
        f"Kendall's τ-b between the plain and the tuned order is {tau:.2f}" if pd.notna(tau) else "all rows are equal"
    )
    low, high = rows["change"].min(), rows["change"].max()
    return f"With each row tuned, {_best(verdicts)}; {order}; rows change by {low:+.1f} to {high:+.1f} points."


def _best(verdicts: Sequence[Verdict]) -> str:
    """Which row is best, plain and tuned; said to change only where both columns tell the two rows apart."""
    plain, tuned = (
        max(verdicts, key=lambda one: statistics.fmean(_numbers(one, column))) for column in ("plain", "tuned")
    )
    before, after = (one.study.row.label if one.study.row else one.study.name for one in (plain, tuned))
    seeds = len(plain.plain)
    if plain is tuned:
        return f"the best row by its mean stays {before}" + (
            ", seeds being few: cannot tell yet" if seeds < ENOUGH else ""
        )
    means = f"the best row by its mean is {before} plain and {after} tuned"
    if seeds < ENOUGH:
        return f"{means}, and {seeds} seed{'s' * (seeds > 1)} cannot tell yet whether tuning changes which is best"
    lost, won = _ahead(plain, tuned, "plain"), _ahead(tuned, plain, "tuned")
    if lost[0] > 0 and won[0] > 0:
        return f"the best row changes from {before} to {after}, beyond seed noise in both columns"
    told = f"{before} leads by {lost[0]:+.1f} to {lost[1]:+.1f} plain, {after} by {won[0]:+.1f} to {won[1]:+.1f} tuned"
    return f"{means}, which is within seed noise ({told}; paired 95 % intervals)"


def _numbers(verdict: Verdict, column: Column) -> tuple[float, ...]:
    return verdict.plain if column == "plain" else verdict.tuned


def _ahead(first: Verdict, second: Verdict, column: Column) -> tuple[float, float]:
    """The paired interval of one row over another."""
    pairs = zip(_numbers(first, column), _numbers(second, column), strict=True)
    return interval([mine - theirs for mine, theirs in pairs])

"""The table of an ablation whose rows were tuned: tuned rows beside the plain ones, and what tuning changed in all."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Literal

import pandas as pd
from scipy import stats

from sweeps.findings.winners import ENOUGH, Verdict, interval

FEWEST_ROWS = 5  # of which an order is told

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


def conclusion(verdicts: Sequence[Verdict], of: int) -> str:
    """Whether tuning the rows changes which is best, as far as seeds can tell, and their order; empty for one row.

    Args:
        verdicts: of the rows that have one.
        of: how many rows were to be tuned.
    """
    rows = tuned_rows(verdicts)
    if len(rows) < 2:
        return ""
    tuned = "each row" if len(rows) == of else f"{len(rows)} of {of} rows"
    low, high = rows["change"].min(), rows["change"].max()
    return f"With {tuned} tuned, {_best(verdicts)}; {_order(rows)}rows change by {low:+.1f} to {high:+.1f} points."


def _order(rows: pd.DataFrame) -> str:
    """How the plain and the tuned order agree, where there are rows enough to have one."""
    if len(rows) < FEWEST_ROWS or rows["plain"].nunique() == 1 or rows["tuned"].nunique() == 1:
        return ""
    found = stats.kendalltau(rows["plain"], rows["tuned"])
    told = f"τ-b = {found.statistic:.2f}, p = {found.pvalue:.2g}, {len(rows)} rows"
    return f"the order of the means, plain and tuned: Kendall's {told}; "


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

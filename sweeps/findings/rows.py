"""The table of an ablation whose rows were tuned: tuned rows beside the plain ones, and what tuning changed in all."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import pandas as pd

from sweeps.findings.winners import Verdict


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


def conclusion(rows: pd.DataFrame) -> str:
    """Whether tuning each row changes which row is best, and the rows' order."""
    if len(rows) < 2:
        return f"Tuned, the row {rows['row'][0]} changes by {rows['change'][0]:+.1f} points."
    plain, tuned = (rows["row"].iloc[int(rows[column].argmax())] for column in ("plain", "tuned"))
    told = f"the best row stays {plain}" if plain == tuned else f"the best row changes from {plain} to {tuned}"
    tau = rows["plain"].corr(rows["tuned"], method="kendall")
    order = (
        f"Kendall's τ-b between the plain and the tuned order is {tau:.2f}" if pd.notna(tau) else "all rows are equal"
    )
    low, high = rows["change"].min(), rows["change"].max()
    return f"With each row tuned, {told}; {order}; rows change by {low:+.1f} to {high:+.1f} points."

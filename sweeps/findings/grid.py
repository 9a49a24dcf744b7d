"""The grid of an exhaustive study of two settings: a table of its trials, and which value is best beside each other."""

from __future__ import annotations

import pandas as pd

from sweeps.trials import Trials


def grid(view: Trials) -> pd.DataFrame:
    """Held-out top-1 by the first setting (lines) and the second; empty for a study that is no such grid."""
    if view.study.sampler != "exhaustive" or len(view.study.space) != 2:
        return pd.DataFrame()
    first, second = view.study.space
    found = [
        {first: trial.params[first], second: trial.params[second], "top1": trial.value}
        for trial in view.all()
        if trial.value is not None
    ]
    return pd.DataFrame(found).pivot_table(index=first, columns=second, values="top1") if found else pd.DataFrame()


def best_of_each(table: pd.DataFrame) -> str:
    """The best line of each column, and that one seed cannot tell."""
    first, second = (str(axis).partition(".")[2] for axis in (table.index.name, table.columns.name))
    told = ", ".join(f"{table[column].idxmax():g} at {second} {column:g}" for column in table.columns)
    return f"With one seed, the best {first} is {told}; whether it depends on {second}, one seed cannot tell yet."

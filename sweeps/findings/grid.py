"""The grid of an exhaustive study of two settings: a table of its trials, and which value is best beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from optuna.trial import FrozenTrial

from sweeps.trials import Trials


def grid(view: Trials) -> pd.DataFrame:
    """Held-out top-1 by the first setting (lines) and the second; empty for a study that is no such grid."""
    if view.study.sampler != "exhaustive" or len(view.study.space) != 2:
        return pd.DataFrame()
    first, second = view.study.space
    found = [{**_named(trial), "top1": trial.value} for trial in view.all() if trial.value is not None]
    if not found:
        return pd.DataFrame()
    places = {name: _places(found, name) for name in (first, second)}
    worded = [{**{name: places[name][one[name][1]] for name in places}, "top1": one["top1"]} for one in found]
    table = pd.DataFrame(worded).pivot_table(index=first, columns=second, values="top1")
    return table.reindex(index=[*places[first].values()], columns=[*places[second].values()])


def _named(trial: FrozenTrial) -> dict[str, Any]:
    """For each setting the paper's value and the one it was run as."""
    return {name: (trial.params[name], run) for name, run in trial.user_attrs["settings"].items()}


def _places(found: Iterable[Mapping[str, Any]], name: str) -> dict[Any, str]:
    """The values that were run, in order, each in words: with the paper's where the scale made another of these."""
    papers: dict[Any, set[Any]] = {}
    for one in found:
        paper, run = one[name]
        papers.setdefault(run, set()).add(paper)
    return {
        run: f"{run:g}" if theirs == {run} else f"{', '.join(f'{one:g}' for one in sorted(theirs))} (run as {run:g})"
        for run, theirs in sorted(papers.items())
    }


def best_of_each(table: pd.DataFrame) -> str:
    """The best line of each column, and that one seed cannot tell."""
    first, second = (str(axis).partition(".")[2] for axis in (table.index.name, table.columns.name))
    told = ", ".join(f"{table[column].idxmax()} at {second} {column}" for column in table.columns)
    return f"With one seed, the best {first} is {told}; whether it depends on {second}, one seed cannot tell yet."

"""Whole ablations by the harness against separate scripts: one for each cell, and one for each row."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from ablations.paper import ABLATIONS
from ablations.spec import Ablation
from benchmarks.equipment.duel import Ratio
from benchmarks.equipment.homes import empty_home
from benchmarks.equipment.result import Line
from reports.pages.sheet import parts

EVERY = 5  # of the scripts at mini: all of them are hours


def lines(scale: str = "smoke", names: Sequence[str] = ("mask_ratio",), every: int = 1) -> Iterator[Line | str]:
    """Wall time of the scripts over the harness's, its baselines and report included, theirs not.

    A row that stands in several of the tables has a script for each, as it would in separate code bases. With `every`
    above 1 only so many of the scripts are timed, evenly spaced in the tables' order, and the others take their mean.
    """
    with empty_home() as home:
        harness = _seconds("ablations.run", *names, "--scale", scale, "--home", str(home))
    ablations = [ABLATIONS[name] for name in names]
    rows = [(each, case.key) for each in ablations for case in each.cases if case.state == "run"]
    by_row = [(each.name, key, *each.protocols) for each, key in rows]
    by_cell = [(each.name, key, protocol) for each, key in rows for protocol in each.protocols]
    told = " and ".join(dict.fromkeys(_source(each) for each in ablations))
    for scripts, rival, goal in ((by_cell, "one script for each cell", 4.0), (by_row, "one script for each row", 1.8)):
        timed = [_seconds("benchmarks.equipment.script", *words, "--scale", scale) for words in scripts[::every]]
        expected = sum(timed) / len(timed) * len(scripts)
        known = [expected] if len(timed) == len(scripts) else _expectations(timed, len(scripts))
        ratio = Ratio(expected / harness, min(known) / harness, max(known) / harness)
        yield Line("whole ablation", f"{told}, {scale}", rival, ratio, goal=goal if scale == "mini" else None)
        yield (
            f"{rival}: {len(timed)} of {len(scripts)} timed, {expected:.0f} s in all against {harness:.0f} s"
            + ("" if len(known) == 1 else "; the range is that of two standard errors of the mean script")
        )


def _source(ablation: Ablation) -> str:
    return re.sub(r"(?<=Table \d)[a-z]$", "", ablation.source)


def _expectations(timed: Sequence[float], scripts: int) -> tuple[float, float]:
    """What all scripts take if the mean of those timed is off by two standard errors, either way."""
    mean, off = statistics.mean(timed), 2 * statistics.stdev(timed) / len(timed) ** 0.5
    return (mean - off) * scripts, (mean + off) * scripts


def mini() -> Iterator[Line | str]:
    """Figure 5 and Table 1 at mini: more than an hour."""
    return lines("mini", ("mask_ratio", *(part.name for part in parts())), EVERY)


def _seconds(module: str, *words: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", module, *words], check=True, stdout=subprocess.DEVNULL, env=os.environ)
    return time.perf_counter() - begun

"""Whole ablations by the harness against separate scripts: one for each cell, and one for each row."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from ablations.paper import ABLATIONS
from benchmarks.equipment.duel import spread
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
    told = ", ".join(names)
    for scripts, rival in ((by_cell, "one script for each cell"), (by_row, "one script for each row")):
        timed = [_seconds("benchmarks.equipment.script", *words, "--scale", scale) for words in scripts[::every]]
        expected = sum(timed) / len(timed) * len(scripts)
        yield Line("whole ablation", f"{told}, {scale}", rival, spread([expected / harness]))
        yield f"  {rival}: {len(timed)} of {len(scripts)} timed, {expected:.0f} s in all against {harness:.0f} s"


def mini() -> Iterator[Line | str]:
    """Figure 5 and Table 1 at mini: more than an hour."""
    return lines("mini", ("mask_ratio", *(part.name for part in parts())), EVERY)


def _seconds(module: str, *words: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", module, *words], check=True, stdout=subprocess.DEVNULL, env=os.environ)
    return time.perf_counter() - begun

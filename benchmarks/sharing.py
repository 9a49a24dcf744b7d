"""A whole ablation by the harness against separate scripts: one for each cell, and one for each row."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from ablations.paper import ABLATIONS
from benchmarks.duel import spread
from benchmarks.homes import empty_home
from benchmarks.result import Line


def lines(scale: str = "smoke", name: str = "mask_ratio") -> Iterator[Line]:
    """Wall time of the scripts over the harness's, its baselines and report included, theirs not."""
    with empty_home() as home:
        harness = _seconds("ablations.run", name, "--scale", scale, "--home", str(home))
    ablation = ABLATIONS[name]
    rows = [case.key for case in ablation.cases if case.state == "run"]
    protocols = list(ablation.protocols)
    by_row = sum(_script(scale, name, key, protocols) for key in rows)
    by_cell = sum(_script(scale, name, key, [protocol]) for key in rows for protocol in protocols)
    yield Line("whole ablation", f"{name}, {scale}", "one script for each cell", spread([by_cell / harness]))
    yield Line("whole ablation", f"{name}, {scale}", "one script for each row", spread([by_row / harness]))


def mini() -> Iterator[Line]:
    """The same at mini: hours of scripts."""
    return lines("mini")


def _script(scale: str, name: str, key: str, protocols: Sequence[str]) -> float:
    return _seconds("benchmarks.script", name, key, *protocols, "--scale", scale)


def _seconds(module: str, *words: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", module, *words], check=True, stdout=subprocess.DEVNULL, env=os.environ)
    return time.perf_counter() - begun

"""Memory: the most that the pre-trainings behind a row took, as their runs were sampled while they worked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mae_core.recipes import PretrainRecipe
from mae_core.store import journal
from mae_core.store.run import Store
from mae_core.store.upkeep import usage
from reports.results import Result, Results

OF_A_GPU = re.compile(r"system/gpu_\d+_memory_usage_megabytes")
OF_A_PROCESS = "system/process_memory_megabytes"


def peak_memory(results: Results, home: Path) -> dict[str, float]:
    """Case key → 10⁹ bytes, the largest of its seeds; rows that no run was sampled for are left out.

    On a GPU what was in use there, or what timed steps allocated; on a CPU the whole process, libraries included: the
    growth of a process says nothing of a small model.
    """
    store, found = Store(home), dict[str, float]()
    for result in results.cells:
        peak = max((*_timed(result), *_sampled(result, store)), default=None)
        if peak is not None:
            found[result.cell.case.key] = max(peak, found.get(result.cell.case.key, 0.0))
    return found


def _timed(result: Result) -> Iterator[float]:
    peak = result.record.get("metrics", {}).get("peak_memory_gb")
    if peak is not None and result.record.get("provenance", {}).get("device", "cpu") != "cpu":
        yield float(peak)


def _sampled(result: Result, store: Store) -> Iterator[float]:
    for stage in result.cell.stages():
        attempt = store.run(stage.signature).finished if isinstance(stage.recipe, PretrainRecipe) else None
        if attempt is not None and not any(_timed(result)):
            yield from map(_taken, journal.rows(attempt.folder / usage.NAME))


def _taken(sample: Mapping[str, Any]) -> float:
    """Of one sample: the fullest GPU where there is one, else the process."""
    gpus = [float(value) for name, value in sample.items() if OF_A_GPU.fullmatch(name)]
    return max(gpus or [float(sample.get(OF_A_PROCESS, 0.0))]) / 1000

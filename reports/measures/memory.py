"""Memory: the most that the pre-trainings behind a row took, as timed steps measured it, or sampled at work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
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

    Of rows with timed steps what these took, whatever their process did before. Of others what was in use on the GPU,
    or on a CPU the whole process, libraries and what earlier stages left there included.
    """
    store = Store(home)
    timed = ((result.cell.case.key, peak) for result in results.cells for peak in _timed(result))
    sampled = ((result.cell.case.key, peak) for result in results.cells for peak in _sampled(result, store))
    return _largest(sampled) | _largest(timed)


def _largest(peaks: Iterable[tuple[str, float]]) -> dict[str, float]:
    found = dict[str, float]()
    for key, peak in peaks:
        found[key] = max(peak, found.get(key, peak))
    return found


def _timed(result: Result) -> Iterator[float]:
    peak = result.record.get("metrics", {}).get("peak_memory_gb")
    if peak is not None:
        yield float(peak)


def _sampled(result: Result, store: Store) -> Iterator[float]:
    for stage in result.cell.stages():
        attempt = store.run(stage.signature).finished if stage.kind == PretrainRecipe.KIND else None
        if attempt is not None:
            yield from map(_taken, journal.rows(attempt.folder / usage.NAME))


def _taken(sample: Mapping[str, Any]) -> float:
    """Of one sample: the fullest GPU where there is one, else the process."""
    gpus = [float(value) for name, value in sample.items() if OF_A_GPU.fullmatch(name)]
    return max(gpus or [float(sample.get(OF_A_PROCESS, 0.0))]) / 1000

"""Peak memory by row, from what was sampled beside the pre-trainings."""

from dataclasses import replace
from pathlib import Path

import pytest

from ablations.paper import ABLATIONS
from ablations.spec import Cell
from mae_core.store.journal import Journal
from mae_core.store.run import Store
from mae_core.store.upkeep.usage import NAME
from reports.measures.memory import peak_memory
from reports.results import Results
from reports.tables.caption import machine
from tests.reports.laboratory import Laboratory

PROCESS = "system/process_memory_megabytes"
GPU = "system/gpu_0_memory_usage_megabytes"


def sampled(laboratory: Laboratory, samples: list[dict[str, float]]) -> None:
    """The pre-training behind 75 % is done, and was sampled so."""
    cell = laboratory.cell("75/finetune/0")
    laboratory.finish(cell, 70.0)
    sample(laboratory, cell, samples)


def sample(laboratory: Laboratory, cell: Cell, samples: list[dict[str, float]]) -> None:
    """The first stage behind `cell` was sampled so."""
    first = next(iter(cell.stages()))
    attempt = Store(laboratory.home).run(first.signature).finished
    assert attempt is not None
    log = Journal(attempt.folder / NAME)
    for sample in samples:
        log.append(sample)
    log.close()


@pytest.mark.parametrize(
    ("samples", "peak"),
    [([{PROCESS: 700.0}, {PROCESS: 900.0}, {PROCESS: 800.0}], 0.9), ([{PROCESS: 5000.0, GPU: 2500.0}], 2.5)],
)
def test_peak_is_the_largest_sample_and_the_gpus_where_there_is_one(
    three_rows: Laboratory, samples: list[dict[str, float]], peak: float
) -> None:
    sampled(three_rows, samples)
    assert peak_memory(three_rows.results(), three_rows.home) == {"75": peak}


def test_rows_without_samples_are_left_out(three_rows: Laboratory) -> None:
    sampled(three_rows, [])
    assert peak_memory(three_rows.results(), three_rows.home) == {}


def test_timed_steps_count_by_what_they_took_and_not_by_what_their_process_held(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["wall_clock"])
    timed, tuned = (laboratory.cell(f"vit_l_8/{name}/0") for name in ("wall_clock", "finetune"))
    laboratory.finish(timed, 3.0, hours=3.0, peak_memory_gb=0.25)
    laboratory.finish(tuned, 70.0)
    for cell in (timed, tuned):
        sample(laboratory, cell, [{PROCESS: 900.0}])
    assert peak_memory(laboratory.results(), tmp_path) == {"vit_l_8": 0.25}


@pytest.mark.parametrize(("threads", "cores", "shared"), [(1, 2, True), (2, 2, False)])
def test_machine_shared_by_several_stages_is_said(
    three_rows: Laboratory, threads: int, cores: int, shared: bool
) -> None:
    sampled(three_rows, [])
    results: Results = three_rows.results()
    origin = {"device": "cpu", "threads": threads, "cores": cores}
    records = {name: {**record, "provenance": origin} for name, record in results.records.items()}
    assert ("share" in machine(replace(results, records=records))) is shared

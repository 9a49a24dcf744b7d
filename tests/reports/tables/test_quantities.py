"""What is told of rows beside their accuracies: FLOPs, speed-ups, what fitting a target measured."""

from pathlib import Path

import pytest

from ablations.paper import ABLATIONS
from ablations.spec import Cell
from mae_core.scales import SCALES
from reports.tables.quantities import Beside, notes, quantities
from reports.tables.table import quantities_layout
from tests.reports.laboratory import Laboratory

HOURS = {"vit_l_mask_tokens_8": 12.0, "vit_l_8": 4.0, "vit_l_1": 2.0}


def hours(cell: Cell) -> float | None:
    """Of the rows of ViT-L, a quarter more for the second seed where mask tokens are encoded."""
    if cell.protocol != "wall_clock" or cell.case.key not in HOURS:
        return None
    return HOURS[cell.case.key] * (1 + 0.25 * cell.seed * (cell.case.key == "vit_l_mask_tokens_8"))


def found(laboratory: Laboratory, name: str) -> dict[str, Beside]:
    return {one.case_key: one for one in quantities(laboratory.results()) if one.quantity == name}


def test_flops_stand_beside_the_papers_and_count_what_was_run(tmp_path: Path) -> None:
    paper = Laboratory(tmp_path, ABLATIONS["mask_token"], SCALES["paper"])
    beside = {one.case_key: one for one in quantities(paper.imagine(lambda _: None)) if one.quantity == "flops_x"}
    assert beside["with"].mean == pytest.approx(3.25, abs=0.1)
    assert (beside["with"].paper, beside["without"].mean) == (3.3, 1.0)


def test_speedup_is_paired_by_seed_and_over_the_row_that_the_paper_counts_from(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["wall_clock"]).imagine(hours, seeds=2)
    told = {one.case_key: one for one in quantities(results) if one.quantity == "speedup"}
    assert (told["vit_l_8"].mean, told["vit_l_1"].mean) == (3.375, 6.75)  # 12/4 and 15/4; 12/2 and 15/2
    assert (told["vit_l_8"].std, told["vit_l_8"].n_seeds) == (pytest.approx(0.53033009), 2)
    assert (told["vit_l_8"].paper, told["vit_h_8"].mean, told["vit_h_8"].status) == (2.8, None, "missing")
    line = quantities_layout(results, quantities(results)).lines[1].cells
    assert line[-3:-1] == ("3.38 ± 0.53 (2)", "2.8")


def test_a_quantity_of_a_row_that_is_not_whole_says_so_as_the_table_does(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["wall_clock"])
    for key in ("vit_l_mask_tokens_8", "vit_l_8"):
        laboratory.finish(laboratory.cell(f"{key}/wall_clock/0"), HOURS[key], hours=HOURS[key], peak_memory_gb=0.5)
    results = laboratory.results(seeds=2)
    line = quantities_layout(results, quantities(results)).lines[1].cells
    assert (line[-3], line[-1]) == ("3.00 (1), missing", "0.5 (1), missing")


def test_memory_of_timed_steps_stands_beside_the_speedups_and_has_no_number_of_the_papers(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["wall_clock"])
    for seed, peak in enumerate((0.5, 0.7)):
        laboratory.finish(laboratory.cell(f"vit_l_8/wall_clock/{seed}"), 3.0, hours=3.0, peak_memory_gb=peak)
    results = laboratory.results(seeds=2)
    told = {one.case_key: one for one in quantities(results) if one.quantity == "peak_memory_gb"}
    assert (told["vit_l_8"].mean, told["vit_l_8"].n_seeds, told["vit_l_8"].unit) == (pytest.approx(0.6), 2, "GB")
    assert (told["vit_l_1"].mean, told["vit_l_1"].status) == (None, "missing")
    assert {one.paper for one in told.values()} == {None}
    layout = quantities_layout(results, quantities(results))
    assert layout.head[-1].startswith("peak memory [GB], ours")
    assert [line.cells[-1] for line in layout.lines][:2] == ["missing", "0.6 ± 0.141 (2)"]
    assert "activations of the few images timed" in notes(quantities(results))


def test_what_fitting_a_target_measured_stands_in_its_row(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["target"])
    laboratory.finish(laboratory.cell("/pca/finetune/0"), 70.0, explained_variance=82.57)
    laboratory.finish(laboratory.cell("/token/finetune/0"), 70.0, codebook_used=93.75, perplexity=4.0)
    told = quantities(laboratory.results())
    assert found(laboratory, "explained_variance").keys() == {"pca"}
    assert found(laboratory, "codebook_used")["token"].mean == 93.75
    lines = {line.cells[0]: line.cells[1:] for line in quantities_layout(laboratory.results(), told).lines}
    assert lines == {"PCA": ("82.6 (1)", "", ""), "dVAE token": ("", "93.8 (1)", "4.0 (1)")}
    assert "held-out train images" in notes(told)


def test_parameters_are_counted_and_stand_beside_the_papers(tmp_path: Path) -> None:
    paper = Laboratory(tmp_path, ABLATIONS["linear_probe_methods"], SCALES["paper"]).imagine(lambda _: None)
    table = quantities_layout(paper, quantities(paper))
    at = next(n for n, head in enumerate(table.head) if head.startswith("parameters [millions], ours"))
    lines = {line.cells[0]: line.cells[at : at + 2] for line in table.lines}
    assert (lines["MAE, ViT-B"], lines["iGPT, iGPT-L"]) == (("85.4", "86.0"), ("cited", "1362.0"))  # in grey

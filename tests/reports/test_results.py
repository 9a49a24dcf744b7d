"""What the store has of each cell, and how it is called."""

from dataclasses import replace

import pytest

from ablations.paper import ABLATIONS
from ablations.spec import Ablation, Case
from mae_core.scales import SCALES
from mae_core.signature import Stage
from mae_core.store.attempt import OWNER
from mae_core.store.files import write_sealed
from mae_core.store.run import Store
from mae_core.tracking.content.labels import write_labels
from reports.results import Result, collect, seeds_found
from tests.reports.laboratory import Laboratory


def standing(laboratory: Laboratory, name: str = "75/finetune/0") -> Result:
    """How the store has that cell."""
    return next(result for result in laboratory.results().cells if result.cell.name.endswith(name))


def pretraining(laboratory: Laboratory) -> Stage:
    """What the cell above rests on."""
    stage = laboratory.cell("75/finetune/0").stage
    assert stage is not None
    return stage.parents[0]


def test_cell_nobody_began_is_missing(three_rows: Laboratory) -> None:
    assert standing(three_rows).status == "missing"


def test_done_cell_has_its_number_and_the_cost_of_all_it_rests_on(three_rows: Laboratory) -> None:
    three_rows.finish(three_rows.cell("75/finetune/0"), 84.9)
    found = standing(three_rows)
    assert (found.status, found.value, found.seconds, found.images_per_second) == ("done", 84.9, 20.0, 5000.0)


def test_cell_whose_pretraining_runs_is_running(three_rows: Laboratory) -> None:
    three_rows.take(pretraining(three_rows))
    assert standing(three_rows).status == "running"


def test_cell_whose_worker_died_is_missing(three_rows: Laboratory) -> None:
    attempt = three_rows.take(pretraining(three_rows))
    write_sealed(attempt.folder / OWNER, attempt.owner | {"started": 0.0})
    assert standing(three_rows).status == "missing"


@pytest.mark.parametrize(("state", "status"), [("failed", "failed"), ("diverged", "diverged"), ("stopped", "missing")])
def test_cell_stands_as_its_pretraining_ended(three_rows: Laboratory, state: str, status: str) -> None:
    three_rows.end(pretraining(three_rows), state, reason="the loss is not a number\nand more")
    found = standing(three_rows)
    assert found.status == status
    assert found.reason.endswith("the loss is not a number") == (status != "missing")


def test_cell_whose_pretraining_met_a_full_disk_is_missing_and_says_so(three_rows: Laboratory) -> None:
    cell = three_rows.cell("/75/finetune/0")
    assert cell.stage is not None
    three_rows.end(cell.stage.parents[0], "blocked", reason="disk: no space is left")
    result = three_rows.results().by_column["75", "finetune"][0]
    assert (result.status, result.reason) == ("missing", "disk: no space is left")


def test_failure_tried_again_is_running(three_rows: Laboratory) -> None:
    three_rows.end(pretraining(three_rows), "failed")
    three_rows.take(pretraining(three_rows))
    assert standing(three_rows).status == "running"


def test_number_from_an_earlier_form_of_the_question_is_stale(three_rows: Laboratory) -> None:
    cell = three_rows.cell("75/finetune/0")
    assert cell.stage is not None
    earlier = Stage(replace(cell.stage.recipe, base_lr=1.0), cell.stage.parents)
    three_rows.end(earlier, metrics={"top1": 80.0})
    label = {"name": cell.name, "case": "75", "label": "75 %", "protocol": "finetune", "seed": 0}
    write_labels(three_rows.home, "mask_ratio", "smoke", "fashion_mnist", [label | {"signature": earlier.signature}])
    assert (standing(three_rows).status, standing(three_rows).value) == ("stale", None)
    assert standing(three_rows.at("mini")).status == "missing"


def test_the_number_of_other_data_of_the_same_name_is_no_earlier_form_of_the_question(three_rows: Laboratory) -> None:
    cell = three_rows.cell("75/finetune/0")
    assert cell.stage is not None
    (parent,) = cell.stage.parents
    elsewhere = Stage(
        replace(cell.stage.recipe, fingerprint="other"), (Stage(replace(parent.recipe, fingerprint="other")),)
    )
    three_rows.end(elsewhere, metrics={"top1": 80.0})
    label = {"name": cell.name, "case": "75", "label": "75 %", "protocol": "finetune", "seed": 0}
    write_labels(three_rows.home, "mask_ratio", "smoke", "fashion_mnist", [label | {"signature": elsewhere.signature}])
    assert standing(three_rows).status == "missing"


def test_cited_and_needs_are_states_not_failures(three_rows: Laboratory) -> None:
    cases = (Case("igpt", "iGPT", cited=True, paper={"finetune": 72.6}), Case("dino", "DINO", needs="DINO weights"))
    three_rows.ablation = replace(three_rows.ablation, cases=three_rows.ablation.cases + cases)
    assert standing(three_rows, "igpt/finetune/0").status == "cited"
    assert (standing(three_rows, "dino/finetune/0").status, standing(three_rows, "dino/finetune/0").reason) == (
        "needs",
        "needs DINO weights",
    )


def test_seeds_are_those_the_store_has(three_rows: Laboratory) -> None:
    for seed in range(2):
        three_rows.finish(three_rows.cell(f"10/linear_probe/{seed}"), 60.0)
    found = [
        seeds_found(three_rows.ablation, SCALES[scale], three_rows.info, three_rows.home) for scale in ("smoke", "mini")
    ]
    assert found == [2, 0]


def launch(laboratory: Laboratory, ablation: Ablation, seeds: int) -> None:
    """Write down that `ablation` was launched."""
    cells = [
        {"name": c.name, "case": c.case.key, "label": c.case.label, "protocol": c.protocol, "seed": c.seed}
        | {"signature": c.stage.signature}
        for c in ablation.cells(laboratory.scale, laboratory.info, seeds)
        if c.stage is not None
    ]
    write_labels(laboratory.home, ablation.name, laboratory.scale.name, laboratory.info.name, cells)


def counted(laboratory: Laboratory, name: str) -> int:
    """The seeds of that ablation which the store has."""
    return seeds_found(ABLATIONS[name], laboratory.scale, laboratory.info, laboratory.home)


def test_seeds_of_shared_runs_are_those_of_the_ablation_that_was_launched(laboratory: Laboratory) -> None:
    """The default row, its encoder and the untrained one are in nearly every table."""
    for seed in range(3):
        laboratory.finish(laboratory.cell(f"/75/finetune/{seed}"), 70.0)
    launch(laboratory, laboratory.ablation, 3)
    launch(laboratory, ABLATIONS["schedule"], 1)
    assert [counted(laboratory, name) for name in ("mask_ratio", "schedule", "decoder_depth")] == [3, 1, 0]


def test_a_run_that_no_other_ablation_needs_counts_whoever_launched_it(laboratory: Laboratory) -> None:
    """As in a home into which runs were imported without a word of their launch."""
    for seed in range(2):
        laboratory.finish(laboratory.cell(f"/10/finetune/{seed}"), 70.0)
    launch(laboratory, ABLATIONS["schedule"], 1)
    assert [counted(laboratory, name) for name in ("mask_ratio", "decoder_depth")] == [2, 0]


def test_counts_of_one_row_leave_the_others_out(three_rows: Laboratory) -> None:
    three_rows.finish(three_rows.cell("10/linear_probe/0"), 60.0)
    results = three_rows.results()
    assert results.counts("10") == {"done": 1, "missing": 1}
    assert results.counts().total() == 6 + 4


def test_shared_stages_are_timed_once(three_rows: Laboratory) -> None:
    for protocol in ("finetune", "linear_probe"):
        three_rows.finish(three_rows.cell(f"10/{protocol}/0"), 60.0)
    assert three_rows.results().seconds == 30.0


def test_unlabelled_data_have_losses(three_rows: Laboratory) -> None:
    info = replace(three_rows.info, labelled=False, num_classes=0)
    cells = three_rows.ablation.cells(three_rows.scale, info, 1)
    three_rows.finish(cells[0], 0.25)
    results = collect(three_rows.ablation, three_rows.scale, info, three_rows.home, 1)
    assert (results.protocols, results.cells[0].value, results.baselines) == (("pretrain",), 0.25, ())


def test_cell_whose_run_is_damaged_says_which_file(three_rows: Laboratory) -> None:
    cell = three_rows.cell("75/linear_probe/0")
    three_rows.finish(cell, 71.0)
    assert cell.stage is not None
    run = Store(three_rows.home).run(cell.stage.signature)
    (run.folder / "attempt-1" / "record.json").write_text("{}")
    found = next(r for r in three_rows.results().cells if r.cell.name == cell.name)
    assert (found.status, found.reason) == ("missing", f"{run.signature} is damaged: attempt-1/record.json")

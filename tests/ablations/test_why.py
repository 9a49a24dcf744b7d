"""Why a cell stands as it does, and which results no longer answer: told from the store alone."""

from dataclasses import replace

import pytest

from ablations import stale, why
from ablations.differences import differences, nearest
from ablations.launch.asked import cell_named
from mae_core.recipes import BASELINE, FINETUNE
from mae_core.signature import Stage
from mae_core.store.attempt import RECORD, finish, take
from mae_core.store.files import write_sealed
from mae_core.store.provenance import code_version
from mae_core.store.run import Store
from mae_core.tracking.content.labels import write_labels

CELL = "mask_ratio/75/finetune/0"


def ended(home, stage, state="done", **more):
    """A run of `stage` that ended so."""
    attempt = take(Store(home).plan(stage).folder, 1)
    origin = {"commit": "0123456789abcdef", "source": code_version()["source"], "processor": "a processor"}
    record = {"state": state, "reason": "", "metrics": {"top1": 80.0, "loss": 0.5}, "seconds": 61.0, "ended": 1e9}
    write_sealed(attempt.folder / RECORD, record | {"provenance": origin | more.pop("provenance", {})} | more)
    if state == "done":
        finish(attempt)


def launched(home, stage, cell=CELL):
    ablation, case, protocol, seed = cell.split("/")
    told = {"name": cell, "case": case, "label": case, "protocol": protocol, "seed": int(seed)}
    write_labels(home, ablation, "smoke", "fashion_mnist", [told | {"signature": stage.signature}])


@pytest.fixture
def stage(tmp_path):
    """What the cell asks for today."""
    return cell_named(CELL, "smoke", None, tmp_path).stage


def said(capsys, command, *words):
    status = command.main([*map(str, words)])
    printed = capsys.readouterr()
    return status, printed.out + printed.err


def test_a_finished_cell_has_its_number_commit_attempt_and_seeds(tmp_path, stage, capsys):
    ended(tmp_path, stage)
    launched(tmp_path, stage)
    status, told = said(capsys, why, CELL, "--scale", "smoke", "--home", tmp_path)
    assert status == 0
    for part in (stage.signature, "top1 80.0000 %", "1:01", "commit 0123456789ab", "attempt 1: done", "seeds: 0 done"):
        assert part in told
    assert f"sync --home {tmp_path}" in told


def test_a_cell_that_is_not_found_names_the_nearest_run_and_the_fields_that_differ(tmp_path, stage, capsys):
    encoder = replace(stage.parents[0].recipe, epochs=stage.parents[0].recipe.epochs + 1)
    near = Stage(replace(stage.recipe, weight_decay=0.3), (Stage(encoder),))
    ended(tmp_path, Stage(replace(near.recipe, base_lr=1.0, layer_decay=0.5), near.parents))
    ended(tmp_path, near)
    _, told = said(capsys, why, CELL, "--scale", "smoke", "--home", tmp_path)
    assert f"nearest finished finetune: {near.signature}" in told
    assert f"weight_decay {stage.recipe.weight_decay} instead of 0.3; pretrain.epochs {encoder.epochs - 1}" in told


def test_a_failed_attempt_says_why(tmp_path, stage, capsys):
    ended(tmp_path, stage, "failed", reason="MemoryError: no memory")
    _, told = said(capsys, why, CELL, "--scale", "smoke", "--home", tmp_path)
    assert "attempt 1: failed" in told
    assert "MemoryError: no memory" in told


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [("nonsense", "names no cell"), ("mask_ratio/75", "names no cell"),
     ("mask_ratio/7/finetune/0", "did you mean mask_ratio/75/finetune/0"),
     ("mask_ratoi/75/finetune/0", "did you mean mask_ratio?")],
)  # fmt: skip
def test_a_name_that_is_no_cell_is_one_sentence_and_exit_2(tmp_path, capsys, cell, complaint):
    status, told = said(capsys, why, cell, "--scale", "smoke", "--home", tmp_path)
    assert (status, told.count("\n")) == (2, 1)
    assert complaint in told


def test_equal_stages_do_not_differ_and_how_fast_is_no_difference():
    one, other = Stage(FINETUNE, (Stage(BASELINE),)), Stage(replace(FINETUNE, workers=3), (Stage(BASELINE),))
    assert differences(one.document(), other.document()) == []


def test_the_nearest_is_never_the_stage_itself(tmp_path):
    ended(tmp_path, Stage(BASELINE))
    assert nearest(Stage(BASELINE).document(), Store(tmp_path).runs()) is None


def test_a_result_of_an_earlier_question_is_stale_until_todays_is_finished(tmp_path, stage, capsys):
    before = Stage(replace(stage.recipe, weight_decay=0.3), stage.parents)
    ended(tmp_path, before)
    launched(tmp_path, before)
    _, told = said(capsys, stale, "--home", tmp_path)
    assert f"stale: {CELL} (smoke, fashion_mnist), {before.signature}: today it asks for weight_decay" in told
    ended(tmp_path, stage)
    assert said(capsys, stale, "--home", tmp_path) == (0, "0 of 1 cells are stale.\n")


def test_a_raised_stage_version_makes_results_stale(tmp_path, stage, capsys, monkeypatch):
    today = stage.recipe.VERSION
    with monkeypatch.context() as earlier:
        earlier.setattr(type(stage.recipe), "VERSION", today - 1)
        before = Stage(stage.recipe, stage.parents)
        ended(tmp_path, before)
        launched(tmp_path, before)
    _, told = said(capsys, stale, "--home", tmp_path)
    assert f"version {today} instead of {today - 1}" in told
    assert "1 of 1 cells are stale." in told


def test_results_of_other_code_are_named_and_not_called_stale(tmp_path, stage, capsys):
    ended(tmp_path, stage, provenance={"source": "another", "commit": "fedcba9876543210"})
    launched(tmp_path, stage)
    _, told = said(capsys, stale, "mask_ratio", "--scale", "smoke", "--home", tmp_path)
    assert "other code: 1 runs by commit fedcba987654" in told
    assert "0 of 1 cells are stale." in told


def test_an_ablation_that_was_never_launched_is_refused(tmp_path, capsys):
    assert said(capsys, stale, "decoder_depth", "--home", tmp_path)[0] == 2

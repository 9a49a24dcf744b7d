"""The doctor's rounds: all seeds, weights where they are, and what was not examined."""

import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

from mae_core.signature import Stage
from mae_core.store.attempt import RECORD, Attempt
from mae_core.store.files import write_sealed
from mae_core.store.left_out import leave_out
from mae_core.store.run import Store
from reports.doctor import rounds as module
from reports.doctor import unexamined
from reports.doctor.__main__ import main
from reports.doctor.rounds import _visited, rounds
from reports.doctor.views import Views
from tests.reports.laboratory import Laboratory


def pretraining(laboratory: Laboratory, seed: int = 0) -> tuple[Stage, Attempt]:
    """The finished pre-training behind 75 %."""
    (stage,) = (s for s in laboratory.cell(f"/75/linear_probe/{seed}").stages() if s.kind == "pretrain")
    attempt = Store(laboratory.home).run(stage.signature).finished
    assert attempt is not None
    return stage, attempt


def signature(laboratory: Laboratory, name: str) -> str:
    """The run that gives the number of that cell."""
    stage = laboratory.cell(name).stage
    assert stage is not None
    return stage.signature


def told(laboratory: Laboratory) -> list[str]:
    return rounds([laboratory.results(2)], laboratory.home)


def test_runs_of_every_seed_are_looked_at(three_rows: Laboratory) -> None:
    three_rows.finish_all({"75": 71.1}, seeds=2)
    (pretraining(three_rows, seed=1)[1].folder / "panels.npz").write_bytes(b"cut short")
    (new,) = (line for line in told(three_rows) if "damaged" in line)
    name = pretraining(three_rows, seed=1)[0].signature
    assert new.startswith(f"**The run is damaged: attempt-1/panels.npz.** (the default row, seed 1, `{name}`)")


def test_all_runs_of_a_round_share_the_views_of_the_home(three_rows: Laboratory) -> None:
    visited = list(_visited([three_rows.results(2)], three_rows.home))
    (views,) = {visit.patient.views for visit in visited}
    assert len(visited) > 2
    assert isinstance(views, Views)


def test_each_row_has_its_own_symptom_where_the_cause_is_one(three_rows: Laboratory) -> None:
    three_rows.finish_all({"10": 60.0, "75": 71.1, "90": 65.0})
    names = {key: signature(three_rows, f"/{key}/linear_probe/0") for key in ("10", "90")}
    (Store(three_rows.home).run(names["10"]).folder / "recipe.json").write_text("{}")
    (Store(three_rows.home).run(names["90"]).folder / "attempt-1" / RECORD).write_text("{}")
    (line,) = (line for line in rounds([three_rows.results()], three_rows.home) if "damaged" in line)
    assert f"**The run is damaged: recipe.json.** (10 %, `{names['10']}`)" in line
    assert f"**The run is damaged: attempt-1/record.json.** (90 %, `{names['90']}`)" in line
    assert line.count("Likely cause") == 1


def test_weights_are_looked_at_where_they_are_there(three_rows: Laboratory) -> None:
    three_rows.finish_all({"75": 71.1}, seeds=2)
    before = told(three_rows)
    save_file({"norm.weight": np.zeros(1)}, pretraining(three_rows)[1].folder / "weights.safetensors")
    (new,) = set(told(three_rows)) - set(before)
    assert "The weights have no decoder" in new


def lost(attempt: Attempt, *names: str) -> None:
    """The attempt made these files, but they are not kept here."""
    for name in names:
        (attempt.folder / name).unlink(missing_ok=True)
    assert attempt.record is not None
    write_sealed(attempt.folder / RECORD, attempt.record | {"artefacts": dict.fromkeys(names, "of what was here")})
    leave_out(attempt.folder, names, "a bundle")


def test_what_is_not_examined_is_told_alike_in_the_box_and_by_the_command(
    three_rows: Laboratory, capsys: pytest.CaptureFixture[str]
) -> None:
    three_rows.finish_all({"75": 71.1}, seeds=2)
    stage, attempt = pretraining(three_rows)
    lost(attempt, "panels.npz", "weights.safetensors")
    new = told(three_rows)[-1]
    assert main([stage.signature, "--home", str(three_rows.home)]) == 1
    printed = capsys.readouterr().out
    for name, what in (("panels.npz", "masks"), ("weights.safetensors", "collapsed features")):
        (line,) = (line for line in printed.splitlines() if name in line)
        _, _, symptom = line.partition(": ")
        assert symptom.startswith(f"Not examined, as {name} is not here: ")
        assert what in symptom
        assert f"**{symptom}** (the default row, seed 0, `{stage.signature}`)" in new


def test_runs_that_are_not_examined_are_counted(three_rows: Laboratory) -> None:
    three_rows.finish_all({"75": 71.1}, seeds=2)
    for seed in range(2):
        lost(pretraining(three_rows, seed)[1], "panels.npz")
    (line,) = (line for line in told(three_rows) if "Not examined" in line)
    assert "(2 runs, the first: the default row, seed 0, " in line


def test_evaluation_whose_pretraining_is_not_here_is_not_passed_in_silence(
    three_rows: Laboratory, capsys: pytest.CaptureFixture[str]
) -> None:
    three_rows.finish_all({"75": 71.1})
    shutil.rmtree(pretraining(three_rows)[1].folder.parent)
    name = signature(three_rows, "/75/linear_probe/0")
    assert main([name, "--home", str(three_rows.home)]) == 1
    assert "Not examined: nothing is here of this run" in capsys.readouterr().out


def test_weights_too_large_for_a_report_are_said_not_to_be_examined(
    three_rows: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_rows.finish_all({"75": 71.1}, seeds=2)
    save_file({"decoder.norm.weight": np.zeros(1)}, pretraining(three_rows)[1].folder / "weights.safetensors")
    assert not [line for line in told(three_rows) if "Not examined" in line]
    monkeypatch.setattr(module, "LARGEST_READ", 10)
    assert "Not examined: altered files, collapsed features and a missing decoder.**" in told(three_rows)[-1]
    assert "python -m reports.doctor RUN" in told(three_rows)[-1]


def test_features_of_an_encoder_that_is_too_large_are_said_not_to_be_examined(
    three_rows: Laboratory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    three_rows.finish_all({"75": 71.1})
    stage, attempt = pretraining(three_rows)
    save_file({"decoder.norm.weight": np.zeros(1)}, attempt.folder / "weights.safetensors")
    monkeypatch.setattr(unexamined, "LARGEST", 10)
    assert main([stage.signature, "--home", str(three_rows.home)]) == 1
    assert "Not examined: collapsed features." in capsys.readouterr().out

"""The doctor's rounds: all seeds, weights where they are, and what was not looked at."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from mae_core.signature import Stage
from mae_core.store.attempt import RECORD, Attempt
from mae_core.store.files import write_sealed
from mae_core.store.run import Store
from reports.doctor import rounds as module
from reports.doctor.rounds import rounds
from tests.reports.laboratory import Laboratory


def pretraining(laboratory: Laboratory, seed: int = 0) -> tuple[Stage, Attempt]:
    """The finished pre-training behind 75 %."""
    (stage,) = (s for s in laboratory.cell(f"/75/linear_probe/{seed}").stages() if s.kind == "pretrain")
    attempt = Store(laboratory.home).run(stage.signature).finished
    assert attempt is not None
    return stage, attempt


def told(laboratory: Laboratory) -> list[str]:
    return rounds([laboratory.results(2)], laboratory.home)


def test_runs_of_every_seed_are_looked_at(three_rows: Laboratory) -> None:
    three_rows.finish_all({"75": 71.1}, seeds=2)
    before = told(three_rows)
    (pretraining(three_rows, seed=1)[1].folder / "panels.npz").write_bytes(b"cut short")
    (new,) = set(told(three_rows)) - set(before)
    assert new.startswith("the default row: **The run is damaged: attempt-1/panels.npz.**")


def test_weights_are_looked_at_where_they_are_there(three_rows: Laboratory) -> None:
    three_rows.finish_all({"75": 71.1}, seeds=2)
    before = told(three_rows)
    save_file({"norm.weight": np.zeros(1)}, pretraining(three_rows)[1].folder / "weights.safetensors")
    (new,) = set(told(three_rows)) - set(before)
    assert "The weights have no decoder" in new


def test_weights_that_are_not_here_or_too_large_are_said_not_to_be_looked_at(
    three_rows: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_rows.finish_all({"75": 71.1}, seeds=2)
    _, attempt = pretraining(three_rows)
    path = attempt.folder / "weights.safetensors"
    save_file({"decoder.norm.weight": np.zeros(1)}, path)
    assert not [line for line in told(three_rows) if line.startswith("Not looked at")]
    monkeypatch.setattr(module, "LARGEST_READ", 10)
    assert "weights.safetensors of 1 run," in told(three_rows)[-1]
    monkeypatch.undo()
    path.unlink()
    assert attempt.record is not None
    write_sealed(attempt.folder / RECORD, attempt.record | {"artefacts": {path.name: "of the file that was here"}})
    assert "python -m reports.doctor RUN" in told(three_rows)[-1]

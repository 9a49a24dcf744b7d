"""The curve: what is final of a journal, and which points a row becomes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mae_core.tracking.content.curve import Point, batches, committed, digest, points

ROWS = st.lists(st.fixed_dictionaries({"step": st.integers(0, 9), "loss": st.floats(0, 1), "time": st.just(1.5)}))


def test_newest_checkpoint_says_how_much_is_committed(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in ("step-000009-j90-", "step-000120-j4711-", "step-000020-j900-"):
        (tmp_path / "checkpoints" / f"{name}{0:016x}.safetensors").touch()
    assert committed(tmp_path) == 4711


@pytest.mark.parametrize("name", [".partial-1", "step-000001-j10-0.safetensors", f"step-000001-j10-{0:016x}.tmp"])
def test_an_unfinished_checkpoint_commits_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / name).touch()
    assert committed(tmp_path) == 0


def test_every_number_of_a_row_but_step_and_time_is_a_point() -> None:
    row = {"step": 7, "epoch": 0.5, "loss": 2, "system/cpu": 1.5, "ok": True, "phase": "warm-up", "time": 1.2346}
    assert list(points(row)) == [
        Point("epoch", 7, 1235, 0.5),
        Point("loss", 7, 1235, 2.0),
        Point("system/cpu", 7, 1235, 1.5),
    ]


@given(ROWS, st.integers(0, 5), st.integers(1, 4))
def test_batches_hold_every_later_point_once(rows: list[dict[str, Any]], done: int, size: int) -> None:
    sent = [point for batch in batches(rows, done, size) for point in batch.points]
    assert sent == [point for row in rows[done:] for point in points(row)]


@given(ROWS, st.integers(0, 5), st.integers(1, 4))
def test_a_batch_knows_the_digest_of_all_rows_up_to_its_end(rows: list[dict[str, Any]], done: int, size: int) -> None:
    assert all(batch.digest == digest(rows[: batch.rows]) for batch in batches(rows, done, size))


def test_the_same_values_at_another_time_are_other_rows() -> None:
    assert digest([{"step": 1, "loss": 0.5, "time": 1.0}]) != digest([{"step": 1, "loss": 0.5, "time": 2.0}])

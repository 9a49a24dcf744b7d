"""Writers that race, and writers that are killed: nothing is lost, nothing is there twice."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FORKS = Path(__file__).with_name("forks.py")


def forks(*words: object) -> list[str]:
    command = [sys.executable, str(FORKS), *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def test_writers_that_start_together_on_a_fresh_home_agree(
    trainer: Any, tables_of: Callable[[Path], Any], journal_points: Any, tmp_path: Path
) -> None:
    trainer.runs(6)
    assert forks("race", tmp_path, 20) == ["synced"] * 20
    assert tables_of(tmp_path).points() == journal_points()


def test_killed_writers_lose_and_double_nothing(
    trainer: Any, tables: Any, sync: Callable[[], None], journal_points: Any, tmp_path: Path
) -> None:
    trainer.runs(81)
    assert forks("kill", tmp_path, 20, 0) == ["20"]
    assert 0 < len(tables.points()) < len(journal_points())
    (next((tmp_path / "tracking").glob("*/")) / ".partial-x").touch()
    sync()
    assert len(tables.names()) == 81
    assert tables.points() == journal_points()
    assert not list((tmp_path / "tracking").rglob(".partial-*"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's migrations use what SQLAlchemy 2.1 deprecates
def test_writers_killed_while_they_make_the_database_leave_no_half_of_it(
    trainer: Any, tables_of: Callable[[Path], Any], sync: Callable[[], None], journal_points: Any, tmp_path: Path
) -> None:
    trainer.runs(3)
    assert int(forks("kill-early", tmp_path, 2, 1)[-1]) >= 1
    sync()
    assert tables_of(tmp_path).points() == journal_points()


@pytest.mark.drill
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_killed_writers_lose_and_double_nothing(
    trainer: Any, tables: Any, sync: Callable[[], None], journal_points: Any, tmp_path: Path, seed: int
) -> None:
    trainer.runs(81)
    assert forks("kill", tmp_path, 20, seed) == ["20"]
    sync()
    assert len(tables.names()) == 81
    assert tables.points() == journal_points()

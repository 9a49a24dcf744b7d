"""Writers that are killed while they tell studies: every trial is there once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]
FORKS = ROOT / "tests" / "mae_core" / "tracking" / "forks.py"


def test_killed_writers_lose_and_double_no_trial(
    written: Any, tables: Any, told: Any, sync: Callable[[], None], tmp_path: Path
) -> None:
    written.write(*(written.trial(number) for number in range(80)), budget=80)
    command = [sys.executable, str(FORKS), "kill", str(tmp_path), "8", "0"]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("8\n", "")
    before = len(told("tags"))
    assert 0 < before < 81
    sync()
    assert set(told("tags")) == {"finetune_lr", *(f"trial {number}" for number in range(80))}
    values = "SELECT count(*) FROM metrics JOIN runs USING (run_uuid) WHERE lifecycle_stage = 'active' AND key = ?"
    assert tables.rows(values.replace("?", "'heldout_top1'")) == [(160,)]  # under each trial, and on the study's curve

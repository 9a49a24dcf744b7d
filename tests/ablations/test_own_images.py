"""A folder of one's own, of thirteen bands and not square: from one command to its cells and panels."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mae_core.store.run import Store
from tests.mae_core.data.pictures import strew

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "ablations.run", "mask_ratio:75", "--scale", "smoke"]


@pytest.mark.slow
def test_strips_of_thirteen_bands_fill_every_cell_and_are_seen_whole_in_panels(tmp_path):
    folder, home = strew(tmp_path / "bands", (24, 96, 13), train=30, test=6), tmp_path / "home"
    ended = subprocess.run([*COMMAND, "--data", folder, "--home", home], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader((home / "reports" / "mask_ratio" / "table.csv").read_text().splitlines()))
    assert [(row["protocol"], row["status"]) for row in rows if row["case_key"] == "75"] == [
        ("finetune", "done"),
        ("linear_probe", "done"),
    ]
    (pretrained,) = (run for run in Store(home).runs() if run.document["kind"] == "pretrain")
    with np.load(pretrained.finished.folder / "panels.npz") as panels:
        assert panels["originals"].shape[1:] == (13, 16, 64)
        assert panels["originals"].std() > 0.1
    with Image.open(home / "reports" / "mask_ratio" / "panels.png") as drawn:
        assert drawn.width > drawn.height

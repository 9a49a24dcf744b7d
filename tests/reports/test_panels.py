"""Panels: which rows are shown, and that a damaged file stops nothing."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from mae_core.store.run import Store
from reports.panels import draw
from tests.reports.laboratory import Laboratory, draw_panels


def widths(laboratory: Laboratory, folder: Path) -> int:
    """How many rows of the ablation the figure shows, by its width."""
    path = draw(laboratory.results(), laboratory.home, folder)
    return 0 if path is None else round(imread(path).shape[1] / (2.5 * 150))


@pytest.mark.parametrize(
    ("keys", "shown"), [([], 0), (["75"], 1), (["10", "75"], 2), (["10", "20", "75", "80", "90"], 3), (["10", "20"], 2)]
)
def test_first_default_and_last_row_are_shown(
    laboratory: Laboratory, tmp_path: Path, keys: list[str], shown: int
) -> None:
    for key in keys:
        laboratory.finish(laboratory.cell(f"/{key}/finetune/0"), 80.0)
    assert widths(laboratory, tmp_path) == shown


def test_damaged_panels_are_left_out(three_rows: Laboratory, tmp_path: Path) -> None:
    for key in ("10", "75"):
        three_rows.finish(three_rows.cell(f"/{key}/finetune/0"), 80.0)
    stage = three_rows.cell("/10/finetune/0").stage
    assert stage is not None
    finished = Store(three_rows.home).run(stage.parents[0].signature).finished
    assert finished is not None
    (finished.folder / "panels.npz").write_bytes(b"PK\x03\x04 cut short")
    assert widths(three_rows, tmp_path) == 1


def test_colour_images_keep_their_colours(three_rows: Laboratory, tmp_path: Path) -> None:
    three_rows.finish(three_rows.cell("/75/finetune/0"), 80.0)
    stage = three_rows.cell("/75/finetune/0").stage
    assert stage is not None
    finished = Store(three_rows.home).run(stage.parents[0].signature).finished
    assert finished is not None
    red = np.zeros((4, 3, 8, 8), np.float16)
    red[:, 0] = 1
    np.savez(finished.folder / "panels.npz", masked=red, reconstructed=red, originals=red)
    path = draw(three_rows.results(), three_rows.home, tmp_path)
    assert path is not None
    assert (imread(path)[..., :3] == (1, 0, 0)).all(axis=-1).mean() > 0.4


def test_laboratory_writes_panels_as_pretraining_does(tmp_path: Path) -> None:
    draw_panels(tmp_path)
    with np.load(tmp_path / "panels.npz") as arrays:
        assert set(arrays) == {"originals", "reconstructed", "masked", "mask_ratio"}

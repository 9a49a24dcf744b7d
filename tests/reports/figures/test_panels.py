"""Panels: which rows are shown, and that a damaged file stops nothing."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from ablations.paper import ABLATIONS
from mae_core.store.run import Store
from reports.figures.panels import GAP, SMALLEST, Panels, _picture, draw, found_panels, read, shown
from tests.reports.laboratory import Laboratory, draw_panels


def drawn(laboratory: Laboratory, folder: Path) -> Path | None:
    """The figure of what its home remembers."""
    results = laboratory.results()
    return draw(results, found_panels(results, laboratory.home), folder)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], []),
        (["10", "20", "75"], ["10", "20", "75"]),
        (["10", "20", "30", "75", "80", "90"], ["10", "30", "75", "90"]),
        (["10", "20", "30", "40", "50"], ["10", "20", "30", "50"]),
        (["30", "40", "50", "60", "75"], ["30", "40", "50", "75"]),
    ],
)
def test_first_default_last_and_those_between_are_shown(
    laboratory: Laboratory, keys: list[str], expected: list[str]
) -> None:
    for key in keys:
        laboratory.finish(laboratory.cell(f"/{key}/finetune/0"), 80.0)
    results = laboratory.results()
    assert shown(results, found_panels(results, laboratory.home)) == expected


def test_all_reconstructions_are_shown(laboratory: Laboratory) -> None:
    results = Laboratory(laboratory.home, ABLATIONS["reconstructions"]).results()
    panels = Panels(*(np.zeros((1, 1, 8, 8)),) * 2, np.zeros((1, 8, 8), bool), 4, None, None)
    keys = [case.key for case in results.ablation.cases]
    assert shown(results, dict.fromkeys(keys, panels)) == keys


def test_nothing_remembered_is_nothing_drawn(laboratory: Laboratory, tmp_path: Path) -> None:
    assert drawn(laboratory, tmp_path) is None


def test_damaged_panels_are_left_out(three_rows: Laboratory, tmp_path: Path) -> None:
    for key in ("10", "75"):
        three_rows.finish(three_rows.cell(f"/{key}/finetune/0"), 80.0)
    stage = three_rows.cell("/10/finetune/0").stage
    assert stage is not None
    finished = Store(three_rows.home).run(stage.parents[0].signature).finished
    assert finished is not None
    (finished.folder / "panels.npz").write_bytes(b"PK\x03\x04 cut short")
    results = three_rows.results()
    assert list(found_panels(results, three_rows.home)) == ["75"]


def test_colour_images_keep_their_colours(three_rows: Laboratory, tmp_path: Path) -> None:
    three_rows.finish(three_rows.cell("/75/finetune/0"), 80.0)
    stage = three_rows.cell("/75/finetune/0").stage
    assert stage is not None
    finished = Store(three_rows.home).run(stage.parents[0].signature).finished
    assert finished is not None
    red = np.zeros((4, 3, 8, 8), np.float16)
    red[:, 0] = 1
    np.savez(finished.folder / "panels.npz", masked=red, reconstructed=red, originals=red)
    path = drawn(three_rows, tmp_path)
    assert path is not None
    assert (imread(path)[..., :3] == (1, 0, 0)).all(axis=-1).mean() > 0.4


def test_what_is_hidden_is_known_patch_by_patch(tmp_path: Path) -> None:
    seen = np.full((1, 1, 8, 8), 0.25, np.float16)
    seen[:, :, :4, 4:] = 0.5  # a hidden patch
    seen[:, :, 4, 4] = 0.5  # a grey pixel of one that is seen
    np.savez(tmp_path / "panels.npz", originals=seen, reconstructed=seen, masked=seen)
    panels = read(tmp_path / "panels.npz", 4)
    assert panels is not None
    assert panels.hidden.sum() == 16
    assert panels.hidden[0, :4, 4:].all()


@given(size=st.sampled_from([8, 28, 32, 96, 100, 224]), channels=st.sampled_from([1, 3]))
@settings(max_examples=12)
def test_pixels_stay_square_and_unblended(size: int, channels: int) -> None:
    image = np.random.default_rng(0).random((channels, size, size), np.float32)
    picture = _picture(image)[:-GAP, :-GAP, 0]
    times = len(picture) // size
    assert picture.shape == (times * size, times * size)
    assert len(picture) >= min(SMALLEST, size)
    assert (picture[::times, ::times] == image[0]).all()
    assert (picture[:times, :times] == image[0, 0, 0]).all()


def test_laboratory_writes_panels_as_pretraining_does(tmp_path: Path) -> None:
    draw_panels(tmp_path)
    with np.load(tmp_path / "panels.npz") as arrays:
        assert set(arrays) == {"originals", "reconstructed", "masked", "mask_ratio", "mean", "std"}

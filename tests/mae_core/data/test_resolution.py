"""How much of a photograph is seen at the paper's resolutions: seven eighths of it up to 224 px, all of it above."""

import numpy as np
import pytest
import torch

from mae_core.data.images import View
from tests.mae_core.data.pictures import opened, paint_split, picture


@pytest.mark.parametrize(("size", "shorter"), [(224, 256), (232, 232)])
def test_the_evaluations_crop_is_that_of_the_released_code(tmp_path, size, shorter):
    paint_split(tmp_path / "pets", size=(64, 80), train=1, test=1)
    images = opened(tmp_path / "pets", tmp_path / "home", "test", size=(size, size))
    longer = shorter * 80 // 64
    top, left = (shorter - size) // 2, (longer - size) // 2
    whole = picture((64, 80), seed=1).resize((longer, shorter), 3)
    theirs = np.asarray(whole.crop((left, top, left + size, top + size)), float) / 255
    ours = images.pixels(torch.tensor([0]), View("eval"))[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - theirs).mean() < 1 / 255
    assert np.abs(ours - theirs).max() < 4 / 255

"""Views: the draws are those of torchvision's crop, and each sample has its own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import RandomResizedCrop

from mae_core.data.transforms.views import JITTER, Draws, View
from mae_core.errors import UserError

SAMPLES = torch.arange(4000)


def draws(**settings):
    return Draws.of(View("random_crop", **settings), SAMPLES)


def test_an_unknown_augmentation_is_refused():
    with pytest.raises(UserError, match=r"no augmentation 'crop'.*fixed_crop"):
        View("crop")


@given(
    low=st.floats(0.01, 1),
    aspect=st.floats(0.1, 10),
    output=st.floats(0.5, 2),
)
def test_a_box_lies_in_the_image_and_keeps_the_output_s_shape(low, aspect, output):
    top, left, height, width = draws().boxes((low, 1.0), aspect, output)[:200].T
    assert min(top.min(), left.min()) >= 0
    assert max((top + height).max(), (left + width).max()) <= 1 + 1e-12
    ratio = width * aspect / height / output
    assert ratio.min() > 0.75 - 1e-9
    assert ratio.max() < 4 / 3 + 1e-9


@pytest.mark.parametrize(
    ("scale", "size"), [((0.2, 1.0), (300, 300)), ((0.08, 1.0), (300, 500)), ((0.5, 0.9), (400, 200))]
)
def test_boxes_are_distributed_as_torchvision_s(scale, size):
    height, width = size
    ours = draws().boxes(scale, width / height, 1.0)
    torch.manual_seed(0)
    image = torch.empty(3, height, width)
    theirs = np.array([RandomResizedCrop.get_params(image, list(scale), [3 / 4, 4 / 3]) for _ in range(4000)])
    theirs = theirs / [height, width, height, width]
    quantiles = np.linspace(0.05, 0.95, 19)
    for mine, other in zip(ours.T, theirs.T, strict=True):
        assert np.quantile(mine, quantiles) == pytest.approx(np.quantile(other, quantiles), abs=0.03)


def test_where_no_try_fits_the_largest_central_part_is_taken():
    boxes = draws().boxes((1.0, 1.0), 3.0, 1.0)
    assert boxes == pytest.approx(np.tile([0.0, (1 - 4 / 9) / 2, 1.0, 4 / 9], (4000, 1)))


def released_box(image_size, scale, generator):
    """Top, left, height, width as shares: one draw of area and aspect, each side cut to the image, then a place."""
    height, width = image_size
    area = generator.uniform(*scale) * height * width
    aspect = np.exp(generator.uniform(np.log(3 / 4), np.log(4 / 3)))
    across, down = min(round((area * aspect) ** 0.5), width), min(round((area / aspect) ** 0.5), height)
    top, left = generator.integers(height - down + 1), generator.integers(width - across + 1)
    return top / height, left / width, down / height, across / width


@pytest.mark.parametrize(("scale", "size"), [((0.08, 1.0), (300, 300)), ((0.08, 1.0), (300, 500))])
def test_clipped_boxes_are_distributed_as_one_draw_cut_to_the_image(scale, size):
    many = Draws.of(View("random_crop", clipped=True), torch.arange(20_000))
    ours = many.boxes(scale, size[1] / size[0], 1.0)
    generator = np.random.default_rng(0)
    theirs = np.array([released_box(size, scale, generator) for _ in range(20_000)])
    quantiles = np.linspace(0.05, 0.95, 19)
    for mine, other in zip(ours.T, theirs.T, strict=True):
        assert np.quantile(mine, quantiles) == pytest.approx(np.quantile(other, quantiles), abs=0.02)


def test_a_clipped_box_is_its_first_draw_and_touches_the_rim_where_that_was_too_long():
    clipped, tried = draws(clipped=True).boxes((0.2, 1.0), 2.0, 1.0), draws().boxes((0.2, 1.0), 2.0, 1.0)
    cut = (clipped[:, 2:] == 1).any(axis=1)
    assert 0.1 < cut.mean() < 0.9
    assert np.array_equal(clipped[~cut], tried[~cut])
    assert (clipped[:, 2:] <= 1).all()


def test_half_the_images_are_flipped():
    assert draws().flips.double().mean() == pytest.approx(0.5, abs=0.03)


def test_jitter_spans_its_range():
    factors = draws().factors
    assert factors.min() == pytest.approx(1 - JITTER, abs=0.01)
    assert factors.max() == pytest.approx(1 + JITTER, abs=0.01)


@pytest.mark.parametrize("room", [(0, 0), (1, 4)])
def test_offsets_reach_every_place_alike(room):
    offsets = draws().offsets(room)
    places = torch.tensor(room) + 1
    counts = torch.bincount(offsets[:, 0] * places[1] + offsets[:, 1])
    assert len(counts) == places.prod()
    assert counts.min() > 0.8 * 4000 / places.prod()


@pytest.mark.parametrize("other", [{"seed": 1}, {"epoch": 1}])
def test_another_seed_or_epoch_draws_anew(other):
    assert (draws().values != draws(**other).values).all()


def test_augmentations_share_the_draws_they_have_in_common():
    jitter = Draws.of(View("random_crop_jitter"), SAMPLES)
    assert np.array_equal(jitter.values, draws().values)

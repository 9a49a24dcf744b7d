"""Levels: black, white and the constants of train images, whatever their values were counted in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mae_core.data.folders.levels import Levels, levels_of
from mae_core.errors import DataError

RANDOM = np.random.default_rng(0)


def measured(tmp_path, *images):
    """The levels of arrays that are read from no file."""
    found = dict(enumerate(images))
    return levels_of(list(found), found.__getitem__, tmp_path / "record.json")


@pytest.mark.parametrize("unit", [1e-4, 1, 300])
def test_the_unit_of_the_values_makes_no_difference(tmp_path, unit):
    values = RANDOM.random((3, 30, 30, 13)) * np.linspace(1, 9, 13)
    once, again = measured(tmp_path / "a", *values), measured(tmp_path / "b", *(values * unit))
    np.testing.assert_allclose(again.scaled(values * unit), once.scaled(values), atol=0.01)
    np.testing.assert_allclose((again.mean, again.std), (once.mean, once.std), atol=1e-5)


def test_a_glaring_pixel_does_not_darken_the_rest(tmp_path):
    values = RANDOM.random((60, 60, 2))
    values[7, 7] = 1e6
    found = measured(tmp_path, values)
    assert max(found.white) < 1.01
    assert np.median(found.scaled(values)) == pytest.approx(127, abs=5)


def test_eight_bits_keep_their_range(tmp_path):
    values = RANDOM.integers(50, 60, (9, 9, 5)).astype(np.uint8)
    found = measured(tmp_path, values)
    assert np.array_equal(found.scaled(values), values)


def test_normalised_train_images_have_mean_0_and_deviation_1(tmp_path):
    images = RANDOM.gamma(2, 900, (4, 40, 40, 6)) * np.arange(1, 7)
    found = measured(tmp_path, *images)
    normalised = (found.scaled(images) / 255 - found.mean) / found.std
    np.testing.assert_allclose(normalised.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(normalised.std((0, 1, 2)), 1, atol=1e-4)


def test_a_flat_or_empty_channel_becomes_black_and_no_number_is_lost(tmp_path):
    values = RANDOM.random((20, 20, 3))
    values[..., 1], values[..., 2] = 5, np.nan
    found = measured(tmp_path, values)
    assert not found.scaled(values)[..., 1:].any()
    assert np.isfinite([found.black, found.white, found.mean, found.std]).all()
    assert found.std[1:] == (1, 1)


@given(arrays(np.float32, (4, 5, 2), elements=st.floats(width=32)) | arrays(np.float64, (4, 5, 2)))
def test_scaled_values_lie_between_0_and_255_whatever_they_were(values):
    found = Levels((0.0, -3.0), (1.0, 1e6), (0.0, 0.0), (1.0, 1.0)).scaled(values)
    assert ((found >= 0) & (found <= 255)).all()


def test_levels_are_measured_once(tmp_path):
    first = measured(tmp_path, RANDOM.random((9, 9, 2)))
    assert measured(tmp_path, RANDOM.random((9, 9, 2)) * 7) == first
    (tmp_path / "record.json").write_text("{}")
    assert measured(tmp_path, RANDOM.random((9, 9, 2)) * 7) != first


def test_images_that_cannot_be_read_are_passed_over_until_none_is_left(tmp_path):
    def read(path):
        if path.name == "bad":
            raise OSError
        return np.full((2, 2, 1), 7, np.uint8)

    found = levels_of([tmp_path / "bad", tmp_path / "good"], read, tmp_path / "record.json")
    assert found.mean == pytest.approx((7 / 255,), abs=1e-6)
    with pytest.raises(DataError, match=r"no train image in .* can be read"):
        levels_of([tmp_path / "bad"], read, tmp_path / "other.json")

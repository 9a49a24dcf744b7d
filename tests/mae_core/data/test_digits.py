"""The digits: scikit-learn's, divided once and for all, at any size and number of channels."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from mae_core.data import digits
from mae_core.data.catalogue import describe
from mae_core.data.images import View
from mae_core.errors import DataError
from tests.mae_core.data.pictures import opened


def test_train_and_test_together_are_scikit_learns_digits(tmp_path):
    train, test = digits.arrays("train"), digits.arrays("test")
    known, info = load_digits(), describe("digits", tmp_path)
    together = np.concatenate([train[0], test[0]])[:, 0]
    assert np.abs(together / 255 - known.images / 16).max() < 0.5 / 255
    assert np.array_equal(np.concatenate([train[1], test[1]]), known.target)
    assert (len(train[0]), len(test[0])) == (info.num_train, info.num_test)


def test_other_digits_than_the_known_are_refused(monkeypatch):
    monkeypatch.setattr(digits, "DIGITS_SHA256", "0" * 64)
    with pytest.raises(DataError, match="install another release"):
        digits.arrays("train")


def test_grey_is_repeated_for_an_encoder_of_three_channels(tmp_path):
    grey, colour = (opened("digits", tmp_path, size=(32, 32), in_chans=chans) for chans in (1, 3))
    samples, view = torch.arange(5), View("eval")
    assert torch.equal(grey.batch(samples, view).expand(-1, 3, -1, -1), colour.batch(samples, view))


def test_train_images_are_normalised(tmp_path):
    images = opened("digits", tmp_path, size=(32, 32), in_chans=1)
    batch = images.batch(torch.arange(len(images)), View("eval"))
    assert abs(batch.mean()) < 0.01
    assert abs(batch.std() - 1) < 0.01


def test_another_number_of_channels_is_refused(tmp_path):
    with pytest.raises(DataError, match="1 or 3 channels, not 13"):
        opened("digits", tmp_path, size=(32, 32), in_chans=13)

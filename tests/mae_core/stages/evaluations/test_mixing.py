"""Mixup and cutmix: targets by their definition, one draw for the effective batch however it is split."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.data import Mixup
from torch.nn import functional as F

from mae_core import randomness
from mae_core.data.catalogue import describe
from mae_core.data.images import View, open_images
from mae_core.model.classifier import Classifier
from mae_core.stages.evaluations.finetune import Classification
from mae_core.training.course import Batch
from tests.mae_core.stages.laboratory import FINETUNE, PRETRAIN


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    home = tmp_path_factory.mktemp("digits")
    return open_images("digits", home, "train", (16, 16), 1, describe("digits", home).fingerprint)


def learner(digits, **mixing):
    recipe = replace(FINETUNE, **mixing)
    return Classification(recipe, Classifier(PRETRAIN, recipe, 10), digits)


def smoothed(labels, smoothing=0.1):
    return (1 - smoothing) * F.one_hot(labels, 10) + smoothing / 10


@pytest.mark.parametrize("mixing", [{"mixup": 0.8, "cutmix": 0.0}, {"mixup": 0.0, "cutmix": 1.0}])
def test_images_and_smoothed_labels_are_mixed_in_the_same_shares(digits, mixing):
    samples = torch.arange(20, 28)
    imgs, target = learner(digits, **mixing).seen(Batch(0, 5, 0, samples, 0, 8))
    plain, labels = digits.batch(samples, View("none")), digits.labels[samples]
    mixed = [(smoothed(a), smoothed(b)) for a, b in zip(labels, labels.flip(0), strict=True) if a != b]
    rows = [row for row, a, b in zip(target, labels, labels.flip(0), strict=True) if a != b]
    shares = torch.stack([((row - b) / (a - b))[a != b].mean() for row, (a, b) in zip(rows, mixed, strict=True)])
    torch.testing.assert_close(shares, shares[:1].expand_as(shares))  # one share for the batch
    torch.testing.assert_close(target.sum(1), torch.ones(8))
    if mixing["mixup"]:
        torch.testing.assert_close(imgs, plain * shares[0] + plain.flip(0) * (1 - shares[0]), atol=1e-5, rtol=1e-4)
    else:
        pasted = (imgs != plain).any(0)[0]
        assert torch.equal(torch.where(pasted, plain.flip(0), plain), imgs)
        assert 1 - pasted.float().mean() >= shares[0] - 1e-5  # a pixel that is equal in both looks unpasted


@settings(max_examples=15)
@given(
    size=st.integers(2, 9),
    micro=st.integers(1, 9),
    step=st.integers(0, 50),
    extra=st.sampled_from([{}, {"reprob": 0.5}, {"augmentation": "random_crop"}]),
)
def test_a_split_batch_is_mixed_as_the_whole(digits, size, micro, step, extra):
    made, samples = learner(digits, mixup=0.8, cutmix=1.0, **extra), torch.arange(size) * 7
    whole = made.seen(Batch(1, step, 0, samples, 0, size))
    starts = range(0, size, micro)
    parts = [made.seen(Batch(1, step, part, samples, a, min(a + micro, size))) for part, a in enumerate(starts)]
    assert torch.equal(torch.cat([imgs for imgs, _ in parts]), whole[0])
    assert torch.equal(torch.cat([target for _, target in parts]), whole[1])


def test_an_even_batch_is_mixed_as_timm_does_it_alone(digits):
    made, samples = learner(digits, mixup=0.8, cutmix=1.0), torch.arange(6)
    imgs, target = made.seen(Batch(0, 3, 0, samples, 0, 6))
    with randomness.seeded(FINETUNE.seed, "mixup", 3):
        known = Mixup(0.8, 1.0, label_smoothing=0.1, num_classes=10)(
            digits.batch(samples, View("none")), digits.labels[samples]
        )
    assert torch.equal(imgs, known[0])
    assert torch.equal(target, known[1])


def test_without_mixing_labels_stay_classes(digits):
    samples = torch.arange(5)
    assert torch.equal(learner(digits).seen(Batch(0, 0, 0, samples, 0, 5))[1], digits.labels[samples])

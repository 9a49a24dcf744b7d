"""Principal components: scikit-learn's, however the patches arrive; coefficients as a target."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from mae_core.model.patches import patchify
from mae_core.model.targets import Covariance, PcaTarget

PATCH = 4
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=6)


def images(n=24, channels=3, size=(16, 24), seed=0):
    """Smooth images: neighbouring pixels are alike, as in pictures."""
    noise = torch.randn(n, channels, *size, generator=torch.Generator().manual_seed(seed))
    return noise.cumsum(dim=2).cumsum(dim=3) / 5


def fitted(patches, count, sizes=()):
    covariance = Covariance(patches.shape[1])
    for part in patches.split([*sizes, len(patches) - sum(sizes)]):
        covariance.add(part)
    return covariance.components(count)


def test_components_are_scikit_learns():
    patches = patchify(images(), PATCH).flatten(0, 1)
    ours, theirs = fitted(patches, 6), PCA(6, svd_solver="full").fit(patches.double().numpy())
    signs = np.sign((ours.components.numpy() * theirs.components_).sum(axis=1, keepdims=True))
    assert ours.components.numpy() * signs == pytest.approx(theirs.components_, abs=1e-4)
    assert ours.variances[:6].numpy() == pytest.approx(theirs.explained_variance_, rel=1e-5)
    assert ours.explained == pytest.approx(theirs.explained_variance_ratio_.sum(), rel=1e-5)
    assert ours.project(patches).numpy() * signs.T == pytest.approx(theirs.transform(patches.numpy()), abs=1e-3)


@settings(max_examples=30)
@given(sizes=SIZES, offset=st.sampled_from([0.0, 1e3, -1e5]))
def test_however_patches_are_split_the_covariance_is_theirs(sizes, offset):
    rows = torch.randn(sum(sizes) + 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + offset
    covariance = Covariance(5)
    for part in rows.split([*sizes, 2]):
        covariance.add(part)
    assert covariance.scatter / (covariance.count - 1) == pytest.approx(np.cov(rows.T.numpy()), abs=1e-6)
    assert covariance.mean == pytest.approx(rows.mean(dim=0), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("count", [1, 7, 48])
def test_what_the_picture_lacks_is_the_variance_left_out(count):
    imgs = images()
    components = fitted(patchify(imgs, PATCH).flatten(0, 1), count)
    target = PcaTarget(components, PATCH)
    shown = target.display(target.of(imgs), imgs)
    lost = (patchify(shown - imgs, PATCH).flatten(0, 1).double().square().sum(dim=1)).sum() / (24 * 24 - 1)
    assert lost.item() == pytest.approx(components.variances[count:].sum().item(), rel=1e-3, abs=1e-6)


def test_coefficients_are_centred_uncorrelated_and_not_whitened():
    patches = patchify(images(), PATCH).flatten(0, 1)
    components = fitted(patches, 5)
    covariance = torch.cov(components.project(patches).T)
    assert components.project(patches).mean(dim=0) == pytest.approx(torch.zeros(5), abs=1e-4)
    assert covariance.numpy() == pytest.approx(torch.diag(components.variances[:5]).numpy(), abs=1e-3)


def test_images_without_any_variance_are_explained_and_finite():
    components = fitted(torch.full((30, 16), 2.5), 2)
    assert components.explained == 1.0
    assert not components.project(torch.full((1, 16), 2.5)).any()


def test_directions_do_not_depend_on_the_sign_an_eigensolver_chose():
    patches = patchify(images(), PATCH).flatten(0, 1)
    components = fitted(patches, 8).components
    assert torch.equal(components.amax(dim=1), components.abs().amax(dim=1))


def test_targets_are_exact_under_half_precision():
    imgs = images()
    target = PcaTarget(fitted(patchify(imgs, PATCH).flatten(0, 1), 6), PATCH)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = target.of(imgs)
    assert torch.equal(under_autocast, target.of(imgs))

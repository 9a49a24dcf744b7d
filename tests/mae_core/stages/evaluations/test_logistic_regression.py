"""The trivial rivals' numbers are those of scikit-learn used by hand, and no image size makes them endless."""

from dataclasses import replace

import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mae_core.data.images import View
from mae_core.recipes import LogisticRegressionRecipe
from mae_core.signature import Stage
from mae_core.stages.images import images_of, labels_of, learnt_from
from tests.mae_core.stages.laboratory import DIGITS

RECIPE = LogisticRegressionRecipe(
    **DIGITS, image_size=16, in_chans=1, labels=100, device="cpu", threads=1, penalties=(0.1,), components=16
)


@pytest.mark.parametrize(
    ("features", "before"), [("pixels", []), ("pca", [PCA(16, svd_solver="full"), StandardScaler()])]
)
def test_the_number_is_scikit_learns(laboratory, features, before):
    recipe = replace(RECIPE, features=features)
    train, test = (images_of(recipe, recipe, laboratory.store, split) for split in ("train", "test"))
    learnt = learnt_from(recipe, train, choosing=True)
    rows, scored = (
        images.batch(samples, View("eval")).flatten(1).numpy()
        for images, samples in ((train, learnt), (test, torch.arange(len(test))))
    )
    theirs = make_pipeline(*before, LogisticRegression(C=0.1, max_iter=300))
    theirs.fit(rows, labels_of(recipe, train)[learnt].numpy())
    expected = 100 * theirs.score(scored, labels_of(recipe, test).numpy())
    assert laboratory.metrics(Stage(recipe))["top1"] == pytest.approx(expected, abs=0.3)


def test_the_penalty_is_chosen_on_held_out_train_images(laboratory):
    alone = {c: laboratory.metrics(Stage(replace(RECIPE, penalties=(c,)))) for c in (1e-4, 1e-2, 1.0)}
    together = laboratory.metrics(Stage(replace(RECIPE, penalties=(1e-4, 1e-2, 1.0))))
    best = max(alone, key=lambda c: alone[c]["heldout_top1"])
    assert together == alone[best]


def test_principal_components_of_many_pixels_take_no_time(laboratory, monkeypatch):
    exact = laboratory.metrics(Stage(replace(RECIPE, features="pca")))["top1"]
    monkeypatch.setattr("mae_core.stages.evaluations.logistic_regression.EXACT", 0)
    leading = laboratory.metrics(Stage(replace(RECIPE, features="pca", seed=1)))["top1"]
    assert leading == pytest.approx(exact, abs=2)
    large = replace(RECIPE, features="pca", image_size=(96, 96), labels=50, components=8)
    assert laboratory.metrics(Stage(large))["top1"] > 20

"""Ridge regression against scikit-learn's, and as a stage."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge as KnownRidge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mae_core.recipes import RidgeRecipe
from mae_core.signature import Stage
from mae_core.stages.evaluations.ridge import Ridge
from tests.mae_core.stages.laboratory import EVALUATED, PRETRAIN

N = 120


def tables():
    """Features of unequal scale, one of them constant, to fit and to predict."""
    draw = np.random.default_rng(0)
    return [draw.normal(3.0, [1, 10, 0.1, 0, 2], (n, 5)).astype(np.float32) for n in (N, 30)]


@pytest.mark.parametrize("penalty", [1e-4, 1e-2, 1.0, 100.0])
def test_scores_are_scikit_learns_on_standardised_features(penalty):
    learnt, asked = tables()
    labels = np.arange(N) % 3
    known = make_pipeline(StandardScaler(), KnownRidge(alpha=penalty * N)).fit(learnt.astype(float), np.eye(3)[labels])
    fitted = Ridge.fit(torch.from_numpy(learnt), torch.from_numpy(labels), 3)
    found = fitted.predict(torch.from_numpy(asked), penalty)
    np.testing.assert_allclose(found, known.predict(asked.astype(float)), atol=1e-6)


def test_the_penalty_means_the_same_at_twice_the_images():
    learnt, asked = map(torch.from_numpy, tables())
    labels = torch.arange(N) % 3
    once, twice = (Ridge.fit(learnt.repeat(k, 1), labels.repeat(k), 3).predict(asked, 0.1) for k in (1, 2))
    torch.testing.assert_close(once, twice)


def test_as_a_stage_it_beats_chance_and_says_which_penalty_was_chosen(laboratory):
    recipe = RidgeRecipe(**EVALUATED)
    metrics = laboratory.metrics(Stage(recipe, (Stage(PRETRAIN),)))
    assert metrics["top1"] > 30
    assert metrics["penalty"] in recipe.penalties
    assert 0 <= metrics["heldout_top1"] <= 100

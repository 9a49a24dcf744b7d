"""Nearest neighbours against scikit-learn's, and as a stage."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from mae_core.recipes import KnnRecipe
from mae_core.signature import Stage
from mae_core.stages.evaluations.knn import vote
from tests.mae_core.stages.laboratory import EVALUATED, PRETRAIN


def table(n, seed):
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(seed))


def test_votes_are_scikit_learns_with_weights_falling_with_distance():
    bank, queries, labels = table(200, 0), table(50, 1), torch.arange(200) % 4
    known = KNeighborsClassifier(20, weights=lambda distances: np.exp((1 - distances) / 0.07), metric="cosine")
    expected = known.fit(bank.numpy(), labels.numpy()).predict(queries.numpy())
    assert vote(bank, labels, queries, 20, 0.07, classes=4).tolist() == expected.tolist()


def test_a_low_temperature_leaves_the_vote_to_the_nearest():
    bank, queries, labels = table(200, 0), table(50, 1), torch.arange(200) % 4
    assert torch.equal(vote(bank, labels, queries, 20, 1e-3, 4), vote(bank, labels, queries, 1, 1.0, 4))


@given(order=st.permutations(range(30)), scale=st.floats(0.01, 100), neighbours=st.integers(1, 40))
def test_a_vote_depends_neither_on_the_order_nor_on_the_length_of_features(order, scale, neighbours):
    bank, queries, labels = table(30, 0), table(8, 1), torch.arange(30) % 4
    voted = vote(bank[list(order)] * scale, labels[list(order)], queries / scale, neighbours, 0.07, 4)
    assert torch.equal(voted, vote(bank, labels, queries, neighbours, 0.07, 4))


def test_fewer_learnt_images_than_neighbours_all_vote():
    assert vote(table(3, 0), torch.tensor([1, 1, 0]), table(5, 1), 20, 1e6, classes=2).tolist() == [1] * 5


def test_as_a_stage_it_beats_chance_on_digits(laboratory):
    metrics = laboratory.metrics(Stage(KnnRecipe(**EVALUATED), (Stage(PRETRAIN),)))
    assert metrics["n_test"] == 150
    assert metrics["top1"] > 30

"""Splits: fixed, nested, balanced and disjoint."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mae_core.data.splits import heldout, labelled, pretraining
from mae_core.errors import DataError

LABELS = torch.arange(1000) % 10


def members(indices):
    assert indices.dtype == torch.int64
    assert torch.equal(indices, indices.unique())  # rising, none twice
    return set(indices.tolist())


@given(st.integers(1, 2000))
def test_a_tenth_is_held_out(n):
    held = members(heldout(n))
    assert len(held) == n // 10
    assert held <= set(range(n))


def test_the_held_out_are_spread_over_the_samples():
    assert heldout(10_000).double().mean() == pytest.approx(5000, rel=0.05)


@given(small=st.integers(1, 900), large=st.integers(1, 900))
def test_a_smaller_label_budget_is_part_of_a_larger(small, large):
    small, large = sorted((small, large))
    assert members(labelled(LABELS, small, exclude_heldout=True)) <= members(
        labelled(LABELS, large, exclude_heldout=True)
    )


@given(st.integers(1, 500))
def test_a_label_budget_is_spread_evenly_over_the_classes(count):
    counts = LABELS[labelled(LABELS, count, exclude_heldout=False)].bincount(minlength=10)
    assert counts.sum() == count
    assert counts.max() - counts.min() <= 1


@given(st.lists(st.integers(0, 3), min_size=20, max_size=60), st.data())
def test_a_rare_class_gives_all_it_has(labels, data):
    labels = torch.tensor(labels)
    free = torch.ones(len(labels), dtype=torch.bool)
    free[heldout(len(labels))] = False
    count = data.draw(st.integers(1, int(free.sum())))
    taken = labels[labelled(labels, count, exclude_heldout=False)].bincount(minlength=4)
    there = labels[free].bincount(minlength=4)
    assert ((taken == there) | (taken >= taken.max() - 1)).all()


@pytest.mark.parametrize("exclude", [True, False])
@pytest.mark.parametrize("count", [10, 900])
def test_a_label_budget_never_holds_a_held_out_sample(count, exclude):
    assert not members(labelled(LABELS, count, exclude_heldout=exclude)) & members(heldout(1000))


def test_all_labels_are_all_or_all_but_the_held_out():
    assert members(labelled(LABELS, None, exclude_heldout=False)) == set(range(1000))
    assert members(labelled(LABELS, None, exclude_heldout=True)) == set(range(1000)) - members(heldout(1000))


@given(small=st.integers(1, 500), large=st.integers(1, 500))
def test_fewer_pretraining_images_are_part_of_more(small, large):
    small, large = sorted((small, large))
    assert members(pretraining(500, small)) <= members(pretraining(500, large))
    assert len(pretraining(500, small)) == small


def test_pretraining_sees_everything_unless_told_otherwise():
    assert members(pretraining(7, None)) == set(range(7))


def test_the_subsets_are_not_the_same_choice():
    chosen = [heldout(1000), pretraining(1000, 100), labelled(LABELS, 100, exclude_heldout=False)]
    assert all(len(members(a) & members(b)) < 30 for a in chosen for b in chosen if a is not b)


@pytest.mark.parametrize(
    "ask",
    [lambda: labelled(LABELS, 901, exclude_heldout=False), lambda: pretraining(900, 901)],
    ids=["labels", "images"],
)
def test_asking_for_more_than_there_is_says_how_many_there_are(ask):
    with pytest.raises(DataError, match=r"901.*ask for at most 900"):
        ask()


def test_the_choices_stay_as_they_were():
    assert heldout(50).tolist() == [13, 20, 33, 47, 49]
    assert pretraining(50, 5).tolist() == [10, 16, 31, 45, 46]
    assert labelled(LABELS[:50], 5, exclude_heldout=True).tolist() == [12, 16, 23, 25, 48]

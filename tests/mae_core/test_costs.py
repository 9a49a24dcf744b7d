"""Costs: what takes longer costs more, so that long stages start first."""

from dataclasses import replace

from mae_core.costs import cost
from mae_core.recipes import (
    BASELINE,
    FINETUNE,
    LINEAR_PROBE,
    DalleRecipe,
    KnnRecipe,
    ReconstructRecipe,
    RidgeRecipe,
    RobustnessRecipe,
    fitted_for,
)
from mae_core.signature import Stage

PARENTS = (Stage(BASELINE),)


def test_every_evaluation_of_an_encoder_costs_something():
    tuned = Stage(FINETUNE, PARENTS)
    stages = [Stage(made(), PARENTS) for made in (KnnRecipe, RidgeRecipe, ReconstructRecipe)]
    assert all(cost(stage) > 0 for stage in [*stages, tuned, Stage(RobustnessRecipe(), (tuned,))])


def test_a_quick_probe_is_cheaper_than_a_probe_and_that_than_fine_tuning():
    costs = [cost(Stage(recipe, PARENTS)) for recipe in (KnnRecipe(), LINEAR_PROBE, replace(FINETUNE, epochs=90))]
    assert costs == sorted(costs)


def test_four_times_the_patches_cost_more_than_four_times():
    usual, larger = (Stage(replace(FINETUNE, resolution=size), PARENTS) for size in (None, 448))
    assert 4 < cost(larger) / cost(usual) < 6
    measured = [cost(Stage(RobustnessRecipe(), (tuned,))) for tuned in (usual, larger)]
    assert 4 < measured[1] / measured[0] < 6


def test_fitting_a_target_costs_something_and_far_less_than_pretraining_on_it():
    for target in ("pca", "token"):
        paper = replace(BASELINE, target=target)
        fitted = Stage(fitted_for(paper))
        assert 0 < cost(fitted) < cost(Stage(paper, (fitted,))) / 10


def test_tokens_from_dalle_are_paid_for_in_every_epoch():
    paper, dalle = replace(BASELINE, target="token"), Stage(DalleRecipe())
    assert 0 < cost(dalle) < cost(Stage(paper, (dalle,))) - cost(Stage(paper))

"""Nearest neighbours on frozen features: a probe in one feature pass, without training."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from mae_core.data.images import View
from mae_core.recipes import KnnRecipe
from mae_core.signature import Stage
from mae_core.stages.evaluations.features import features, frozen_encoder
from mae_core.stages.images import images_of, labels_of, learnt_from, scored_on
from mae_core.stages.result import Result
from mae_core.stages.weights import encoder_of
from mae_core.store.run import Store
from mae_core.training.workspace import Workspace

QUERIES = 1000  # compared with all learnt images at once


def knn(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Let the nearest learnt images vote on each scored one."""
    recipe, shape = stage.recipe, encoder_of(stage)
    assert isinstance(recipe, KnnRecipe)
    workspace.resume()
    images = images_of(recipe, shape, store, "train")
    learnt, (scored, numbers) = learnt_from(recipe, images), scored_on(recipe, images, shape, store)
    encoder, view = frozen_encoder(stage, store), View("eval")
    bank = features(encoder, recipe, images, learnt, view)
    labels = labels_of(recipe, images)[learnt].to(bank.device)
    right = 0
    for chunk in numbers.split(QUERIES):
        queries = features(encoder, recipe, scored, chunk, view)
        found = vote(bank, labels, queries, recipe.neighbours, recipe.temperature, images.num_classes)
        right += int((found.cpu() == labels_of(recipe, scored)[chunk]).sum())
    return Result({"top1": 100.0 * right / len(numbers), "n_test": float(len(numbers))})


def vote(
    bank: torch.Tensor, labels: torch.Tensor, queries: torch.Tensor, neighbours: int, temperature: float, classes: int
) -> torch.Tensor:
    """The class with most votes, each neighbour's being exp(cosine / temperature) (Wu et al. 2018, section 3.4).

    Args:
        bank: (n, D) learnt features.
        labels: (n,) their classes.
        queries: (N, D) features to classify.
        neighbours: how many vote, or all where there are fewer.
        temperature: the smaller, the more the nearest count.
        classes: how many classes there are.

    Returns:
        (N,) classes.
    """
    cosines = F.normalize(queries, dim=1) @ F.normalize(bank, dim=1).T  # [N, n]
    near = cosines.topk(min(neighbours, len(bank)), dim=1)
    weights = ((near.values - near.values[:, :1]) / temperature).exp()  # relative to the nearest, so none overflows
    votes = torch.zeros(len(queries), classes, device=bank.device).scatter_add_(1, labels[near.indices], weights)
    return votes.argmax(dim=1)

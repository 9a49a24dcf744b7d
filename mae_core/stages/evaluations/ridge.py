"""Ridge regression on frozen features: a linear probe in closed form, from one feature pass."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from mae_core.data import splits
from mae_core.data.images import Images, View
from mae_core.model.encoder import Encoder
from mae_core.recipes import RidgeRecipe
from mae_core.signature import Stage
from mae_core.stages.evaluations.features import features, frozen_encoder
from mae_core.stages.images import images_of, labels_of, learnt_from, scored_on
from mae_core.stages.result import Result
from mae_core.stages.weights import encoder_of
from mae_core.store.run import Store
from mae_core.training.workspace import Workspace


@dataclass(frozen=True)
class Ridge:
    """Linear regressions to one-hot labels on standardised features, for every penalty from one eigendecomposition.

    The penalty is added to the features' correlation matrix, whose mean eigenvalue is 1: it is scikit-learn's `alpha`
    of standardised features divided by the number of images, and means the same at any label budget.
    """

    mean: torch.Tensor  # (D,) float64
    std: torch.Tensor  # (D,) float64
    eigenvalues: torch.Tensor  # (D,) of the correlation matrix
    eigenvectors: torch.Tensor  # (D, D), columns
    cross: torch.Tensor  # (D, classes) mean of feature times centred one-hot label
    shares: torch.Tensor  # (classes,) of the labels, the intercept

    @classmethod
    def fit(cls, features: torch.Tensor, labels: torch.Tensor, classes: int) -> Ridge:
        """Fit (n, D) features to (n,) labels, in float64."""
        table = features.double()
        mean, std = table.mean(dim=0), table.std(dim=0, correction=0)
        std = torch.where(std > 0, std, 1.0)  # a constant feature says nothing
        table = (table - mean) / std
        targets = F.one_hot(labels, classes).double()
        shares = targets.mean(dim=0)
        eigenvalues, eigenvectors = torch.linalg.eigh(table.T @ table / len(table))
        return cls(mean, std, eigenvalues, eigenvectors, table.T @ (targets - shares) / len(table), shares)

    def predict(self, features: torch.Tensor, penalty: float) -> torch.Tensor:
        """Scores of (N, D) features, (N, classes) float64."""
        shrunk = (self.eigenvectors.T @ self.cross) / (self.eigenvalues.clamp(min=0) + penalty)[:, None]
        weight = self.eigenvectors @ shrunk  # [D, classes]
        return (features.double() - self.mean) / self.std @ weight + self.shares


def ridge(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Fit on the label budget, choose the penalty on held-out train images, score once."""
    recipe, shape = stage.recipe, encoder_of(stage)
    assert isinstance(recipe, RidgeRecipe)
    workspace.resume()
    images = images_of(recipe, shape, store, "train")
    encoder, view = frozen_encoder(stage, store), View("eval")
    learnt = learnt_from(recipe, images, choosing=len(recipe.penalties) > 1)
    table = features(encoder, recipe, images, learnt, view)
    fitted = Ridge.fit(table, labels_of(recipe, images)[learnt].to(table.device), images.num_classes)
    metrics = {"penalty": recipe.penalties[0]}
    if len(recipe.penalties) > 1:
        chosen_on = _accuracies(fitted, encoder, recipe, images, splits.heldout(len(images)))
        best = max(range(len(chosen_on)), key=chosen_on.__getitem__)  # the smallest of equals
        metrics = {"penalty": recipe.penalties[best], "heldout_top1": chosen_on[best]}
    scored, numbers = scored_on(recipe, images, shape, store)
    accuracies = _accuracies(fitted, encoder, recipe, scored, numbers)
    top1 = accuracies[recipe.penalties.index(metrics["penalty"])]
    return Result({"top1": top1, "n_test": float(len(numbers)), **metrics})


def _accuracies(
    fitted: Ridge, encoder: Encoder, recipe: RidgeRecipe, images: Images, samples: torch.Tensor
) -> list[float]:
    """Top-1 in per cent with each penalty."""
    table, labels = features(encoder, recipe, images, samples, View("eval")), labels_of(recipe, images)[samples]
    found = [fitted.predict(table, penalty).argmax(dim=1).cpu() for penalty in recipe.penalties]
    return [100.0 * float((classes == labels).double().mean()) for classes in found]

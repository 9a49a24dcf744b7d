"""The trivial rivals: logistic regression on pixels or on their principal components, by scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import torch
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from mae_core.data import splits
from mae_core.data.images import Images, View
from mae_core.recipes import LogisticRegressionRecipe
from mae_core.signature import Stage
from mae_core.stages.images import images_of, labels_of, learnt_from, scored_on
from mae_core.stages.result import Result
from mae_core.store.run import Store
from mae_core.training.workspace import Workspace

ITERATIONS = 300
EXACT = 4096  # pixels

Floats = npt.NDArray[np.float32]


def logistic_regression(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Fit on the label budget, choose the penalty on held-out train images, score once."""
    recipe = stage.recipe
    assert isinstance(recipe, LogisticRegressionRecipe)
    workspace.resume()
    images = images_of(recipe, recipe, store, "train")
    labels = labels_of(recipe, images).numpy()
    learnt, heldout = learnt_from(recipe, images, choosing=True), splits.heldout(len(images))
    scored, numbers = scored_on(recipe, images, recipe, store)
    with threadpool_limits(recipe.threads):
        tables = _features(recipe, [_pixels(images, learnt), _pixels(images, heldout), _pixels(scored, numbers)])
        fits = [_fit(penalty, tables[0], labels[learnt]) for penalty in recipe.penalties]
        chosen = max(fits, key=lambda fit: float(fit.score(tables[1], labels[heldout])))
        truth = labels_of(recipe, scored).numpy()[numbers]
        metrics = {
            "top1": 100.0 * float(chosen.score(tables[2], truth)),
            "heldout_top1": 100.0 * float(chosen.score(tables[1], labels[heldout])),
            "C": float(chosen.C),
            "n_test": float(len(numbers)),
        }
    remarks = () if chosen.n_iter_.max() < ITERATIONS else (f"stopped after {ITERATIONS} iterations, not converged",)
    return Result(metrics, None, remarks)


def _pixels(images: Images, samples: torch.Tensor) -> Floats:
    """Evaluation views as rows: (n, C·H·W)."""
    return torch.cat([images.batch(chunk, View("eval")).flatten(1) for chunk in samples.split(1000)]).numpy()


def _features(recipe: LogisticRegressionRecipe, tables: list[Floats]) -> list[Floats]:
    """The pixels as they are (constant ones cannot matter), or their leading components, fitted on the learnt rows."""
    if recipe.features == "pixels":
        return tables
    components = min(recipe.components, *tables[0].shape)
    # exact where that is quick; of a covariance of many thousand pixels only the leading directions are worth the time
    solver = "covariance_eigh" if tables[0].shape[1] <= EXACT else "randomized"
    pca = PCA(components, svd_solver=solver, random_state=recipe.seed).fit(tables[0])
    scaler = StandardScaler().fit(pca.transform(tables[0]))
    return [scaler.transform(pca.transform(table)) for table in tables]


def _fit(penalty: float, features: Floats, labels: npt.NDArray[np.int64]) -> LogisticRegression:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said in the run's remarks
        return LogisticRegression(C=penalty, max_iter=ITERATIONS).fit(features, labels)

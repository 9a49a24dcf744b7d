"""Linear probing (Table 10): a frozen encoder, BatchNorm without affine, one linear layer, LARS.

Several learning rates are trained as parallel heads in one pass; the head is chosen on held-out train images.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from mae_core import randomness
from mae_core.data import splits
from mae_core.data.images import Images, View
from mae_core.model.encoder import Encoder
from mae_core.recipes import LinearProbeRecipe
from mae_core.signature import Stage
from mae_core.stages.device import device_of
from mae_core.stages.evaluations.features import features, frozen_encoder
from mae_core.stages.images import images_of, labels_of, learnt_from, scored_on
from mae_core.stages.result import Result
from mae_core.stages.weights import encoder_of, save_weights
from mae_core.store.run import Store
from mae_core.training.course import Batch, course_of
from mae_core.training.loop import Learner, train
from mae_core.training.optim import absolute_lr, lars
from mae_core.training.workspace import Workspace

HEAD_STD = 0.01  # as the released linear probe

Moments = tuple[torch.Tensor, torch.Tensor]  # mean and biased variance of each feature


class Heads(nn.Module):
    """Parallel linear classifiers on normalised features; each learns as if it were alone."""

    def __init__(self, dim: int, num_classes: int, heads: int, seed: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(dim, affine=False, eps=1e-6)
        weight = torch.empty(num_classes, dim)
        nn.init.trunc_normal_(weight, std=HEAD_STD, generator=randomness.generator(seed, "init", "head.weight"))
        self.weights = nn.ParameterList(nn.Parameter(weight.clone()) for _ in range(heads))
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(num_classes)) for _ in range(heads))
        for parameter in self.parameters():
            parameter.register_hook(_finite)

    def forward(self, features: torch.Tensor, moments: Moments | None = None) -> torch.Tensor:
        """Logits of (N, D) features, head by head: (N, heads, classes).

        Args:
            features: a whole batch; or a part of it, normalised by the `moments` of the whole.
        """
        normed = self.norm(features) if moments is None else F.batch_norm(features, *moments, eps=self.norm.eps)
        weight, bias = torch.cat(list(self.weights)), torch.cat(list(self.biases))  # [heads·classes, D]
        logits = F.linear(normed, weight, bias)
        by_head: torch.Tensor = logits.unflatten(1, (len(self.weights), -1))
        return by_head

    @torch.no_grad()
    def observe(self, sums: torch.Tensor) -> Moments:
        """Mean and variance, (D,) each, of a batch from the `sums_of` all its parts; noted as BatchNorm notes them."""
        count = sums[0]
        mean, square = (sums[1:] / count).chunk(2)
        variance = (square - mean.square()).clamp(min=0)
        running: Any = self.norm
        running.running_mean.lerp_(mean.float(), running.momentum)
        running.running_var.lerp_((variance * count / (count - 1)).float(), running.momentum)
        running.num_batches_tracked += 1
        return mean.float(), variance.float()


def _finite(gradient: torch.Tensor) -> torch.Tensor:
    """A head whose learning rate was too high has no gradient from then on; the update of the others goes on."""
    return gradient.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def sums_of(features: torch.Tensor) -> torch.Tensor:
    """Count, sums and sums of squares of (N, D) features: (1 + 2·D,) float64."""
    exact = features.double()
    return torch.cat([exact.new_tensor([len(exact)]), exact.sum(dim=0), exact.square().sum(dim=0)])


class Probe(Learner):
    """Learn labels from frozen features."""

    def __init__(self, recipe: LinearProbeRecipe, encoder: Encoder, images: Images) -> None:
        self.recipe, self.images, self.labels = recipe, images, labels_of(recipe, images)
        self.device = device_of(recipe)
        self.encoder = encoder
        dim = encoder.recipe.embed_dim
        self.module: Heads = Heads(dim, images.num_classes, len(recipe.base_lrs), recipe.seed).to(self.device)
        self.table: torch.Tensor | None = None  # (n, views, D) features of fixed views; None: a new crop each epoch
        self.row = torch.empty(0, dtype=torch.int64)
        self.unseen: torch.Tensor | None = None  # (n, D) features of the held-out images, once they were asked for

    def fix_views(self, samples: torch.Tensor) -> None:
        """Encode the recipe's fixed number of crops of `samples`, once; epochs take turns with them."""
        views = range(self.recipe.views or 0)
        self.table = torch.stack([self.encode(self.images, samples, self.view(view)) for view in views], dim=1)
        self.row = torch.full((len(self.images),), -1)
        self.row[samples] = torch.arange(len(samples))

    def view(self, epoch: int) -> View:
        """The crops of an epoch, or of the fixed view of that number."""
        return View(self.recipe.augmentation, self.recipe.crop_scale, self.recipe.seed, epoch, clipped=True)

    def encode(self, images: Images, samples: torch.Tensor, view: View) -> torch.Tensor:
        """Features of `samples` under `view`: (N, D) float32."""
        return features(self.encoder, self.recipe, images, samples, view)

    def seen(self, batch: Batch) -> torch.Tensor:
        """Features of a batch: of new crops, or of a fixed view; (N, D)."""
        if self.table is None:
            return self.encode(self.images, batch.samples, self.view(batch.epoch))
        return self.table[self.row[batch.samples], batch.epoch % self.table.shape[1]]

    def statistics(self, share: Batch) -> torch.Tensor:
        """What BatchNorm needs to know of the whole effective batch, which no part of it sees."""
        self.share, self.features = share, self.seen(share)
        return sums_of(self.features)

    def use_statistics(self, sums: torch.Tensor) -> None:
        """Normalise the parts that follow by the effective batch's moments."""
        self.moments = self.module.observe(sums)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The heads' cross-entropies added up, so that each head's gradient is its own; NaN where all diverged."""
        if batch.whole:
            logits = self.module(self.seen(batch))  # [N, heads, classes]
        else:
            start = batch.start - self.share.start
            logits = self.module(self.features[start : start + len(batch.samples)], self.moments)
        labels = self.labels[batch.samples].to(self.device)[:, None].expand(-1, logits.shape[1])
        losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        by_head = losses.unflatten(0, labels.shape).sum(dim=0) / len(batch.samples)
        fit = by_head.isfinite()
        return torch.where(fit.any(), torch.where(fit, by_head, 0.0).sum(), torch.nan)

    def observe(self, epoch: int) -> dict[str, float]:
        """Held-out top-1 of the best head so far, where the run is judged by it: a search ends bad trials early."""
        if self.recipe.evaluate_on != "heldout" or epoch == 0:
            return {}
        return {"heldout_top1": float(self.heldout_accuracies().max())}

    def heldout_accuracies(self) -> torch.Tensor:
        """Top-1 of each head in per cent on held-out train images: (heads,) float64."""
        samples = splits.heldout(len(self.images))
        if self.unseen is None:
            self.unseen = self.encode(self.images, samples, View("eval"))
        return self._accuracies(self.unseen, self.labels[samples])

    def accuracies(self, images: Images, samples: torch.Tensor) -> torch.Tensor:
        """Top-1 of each head in per cent on the evaluation view of `samples`: (heads,) float64."""
        assert images.labels is not None
        return self._accuracies(self.encode(images, samples, View("eval")), images.labels[samples])

    @torch.no_grad()
    def _accuracies(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        right = self.module.eval()(features).argmax(dim=2).cpu() == labels[:, None]
        self.module.train()
        shares: torch.Tensor = right.double().mean(dim=0)
        return 100.0 * shares


def linear_probe(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Probe the parent's encoder; score the head that was best on held-out train images."""
    recipe, shape = stage.recipe, encoder_of(stage)
    assert isinstance(recipe, LinearProbeRecipe)
    images = images_of(recipe, shape, store, "train")
    probe = Probe(recipe, frozen_encoder(stage, store), images)
    samples = learnt_from(recipe, images, choosing=len(recipe.base_lrs) > 1)
    if recipe.views is not None:
        probe.fix_views(samples)
    groups = [
        {"params": [weight, bias], "lr": absolute_lr(base_lr, recipe.batch_size)}
        for weight, bias, base_lr in zip(probe.module.weights, probe.module.biases, recipe.base_lrs, strict=True)
    ]
    optimizer = lars(groups, recipe.weight_decay, recipe.momentum)
    trained = train(probe, optimizer, course_of(recipe, samples), workspace)
    save_weights(workspace.folder, probe.module, stage)
    return Result(_scores(probe, recipe, images, scored_on(recipe, images, shape, store)), trained.images_per_second)


def _scores(
    probe: Probe, recipe: LinearProbeRecipe, images: Images, scored: tuple[Images, torch.Tensor]
) -> dict[str, float]:
    """The chosen head's accuracy, and how it was chosen."""
    accuracies = probe.accuracies(*scored)
    metrics = {"n_test": float(len(scored[1])), "best_base_lr": recipe.base_lrs[0], "top1": float(accuracies[0])}
    if len(recipe.base_lrs) > 1:
        heldout = probe.heldout_accuracies()
        best = int(heldout.argmax())
        metrics["top1"], metrics["heldout_top1"] = float(accuracies[best]), float(heldout[best])
        metrics["best_base_lr"] = recipe.base_lrs[best]
    return metrics

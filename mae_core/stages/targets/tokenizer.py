"""Training our own tokenizer, a small discrete VAE."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from mae_core import randomness
from mae_core.data import splits
from mae_core.data.images import Images, View
from mae_core.model.patches import patchify
from mae_core.model.targets.dvae import DiscreteVae, gumbel_from, shares_of, temperature_at, usage_gap
from mae_core.recipes import TokenizerRecipe
from mae_core.signature import Stage
from mae_core.stages.device import autocast, device_of, sent
from mae_core.stages.result import Result
from mae_core.stages.targets.fitted_targets import AT_ONCE, codebook_metrics, patch_images
from mae_core.stages.weights import save_weights
from mae_core.store.run import Store
from mae_core.training.course import Batch, course_of
from mae_core.training.loop import Learner, train
from mae_core.training.optim import absolute_lr, adamw, parameter_groups
from mae_core.training.workspace import Workspace


class Tokenization(Learner):
    """Learn tokens whose pictures look like the patches that carry them."""

    def __init__(self, recipe: TokenizerRecipe, images: Images, steps: int) -> None:
        self.recipe, self.images, self.steps = recipe, images, steps
        self.device = device_of(recipe)
        self.module: DiscreteVae = DiscreteVae(recipe).to(self.device)
        self._shares = torch.empty(0)  # mean probabilities over an effective batch that is split

    def loss(self, batch: Batch) -> torch.Tensor:
        """Squared error of the relaxed painting, and what unequal use of the tokens costs."""
        recipe, imgs = self.recipe, self._imgs(batch.samples)
        with autocast(self.device, recipe.dtype):
            logits = self.module.logits(imgs)
            painted = self.module.relaxed(logits, self._gumbel(batch), temperature_at(recipe, batch.step / self.steps))
        logits = logits.float()
        error: torch.Tensor = F.mse_loss(painted.float(), patchify(imgs, recipe.patch_size))
        shares = shares_of(logits)
        return error + usage_gap(shares, shares.detach() if batch.whole else self._shares) * recipe.usage_weight

    @torch.no_grad()
    def statistics(self, share: Batch) -> torch.Tensor:
        """The tokens' probabilities summed over the images of `share`, and how many these are: (vocabulary + 1,)."""
        sums = torch.zeros(self.recipe.vocabulary + 1, device=self.device)
        for samples in share.samples.split(AT_ONCE):
            with autocast(self.device, self.recipe.dtype):
                logits = self.module.logits(self._imgs(samples))
            sums += torch.cat([shares_of(logits.float()), sums.new_ones(1)]) * len(samples)
        return sums

    def use_statistics(self, sums: torch.Tensor) -> None:
        """Take the tokens' mean probabilities over the effective batch."""
        self._shares = sums[:-1] / sums[-1]

    def _imgs(self, samples: torch.Tensor) -> torch.Tensor:
        return sent(self.images.batch(samples, View("eval")), self.device)

    def _gumbel(self, batch: Batch) -> torch.Tensor:
        """Each sample's own noise, (N, L, vocabulary)."""
        shape = self.recipe.num_patches, self.recipe.vocabulary
        uniform = randomness.uniform(
            self.recipe.seed, "gumbel", batch.epoch, samples=batch.samples, width=shape[0] * shape[1]
        )
        noise: torch.Tensor = gumbel_from(uniform).unflatten(1, shape)
        return sent(noise, self.device)


def tokenizer(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Train it, write its weights, report on held-out train images how its tokens are used and what they look like."""
    recipe = stage.recipe
    assert isinstance(recipe, TokenizerRecipe)
    images = patch_images(recipe, store)
    lr = absolute_lr(recipe.base_lr, recipe.batch_size)
    course = course_of(recipe, splits.pretraining(len(images), recipe.train_images), recipe.min_lr / lr)
    learner = Tokenization(recipe, images, course.steps)
    optimizer = adamw(parameter_groups(learner.module, lr, recipe.weight_decay), recipe.betas)
    trained = train(learner, optimizer, course, workspace)
    save_weights(workspace.folder, learner.module, stage)
    used = codebook_metrics(learner.module, recipe, images, learner.device, workspace)
    return Result({"loss": trained.loss, **used}, trained.images_per_second)

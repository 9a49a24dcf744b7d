"""Fine-tuning, full or partial (Table 9, Figure 9); of an untrained encoder it is training from scratch."""

from __future__ import annotations

import torch
from timm.data import Mixup
from timm.utils import ModelEmaV3
from torch.nn import functional as F

from mae_core import randomness
from mae_core.data.images import Images, View
from mae_core.data.transforms.erasing import erased
from mae_core.model.classifier import Classifier, shape_at
from mae_core.recipes import FinetuneRecipe
from mae_core.signature import Stage
from mae_core.stages.device import autocast, device_of, sent
from mae_core.stages.evaluations.accuracy import top1
from mae_core.stages.images import images_of, labels_of, learnt_from, scored_on
from mae_core.stages.result import Result
from mae_core.stages.weights import encoder_of, encoder_weights, save_weights
from mae_core.store.run import Store
from mae_core.training.course import Batch, course_of
from mae_core.training.loop import Learner, train
from mae_core.training.optim import absolute_lr, adamw, layer_decay_groups
from mae_core.training.workspace import Workspace


class Classification(Learner):
    """Learn labels."""

    compiles = True

    def __init__(self, recipe: FinetuneRecipe, classifier: Classifier, images: Images) -> None:
        self.recipe, self.images, self.labels = recipe, images, labels_of(recipe, images)
        self.device = device_of(recipe)
        self.module: Classifier = classifier.to(self.device)
        self.mixup = _mixup(recipe, images.num_classes)
        self.average = None if recipe.ema_decay is None else ModelEmaV3(self.module, decay=recipe.ema_decay)

    @property
    def scored(self) -> Classifier:
        """The model that gives the number: with the averaged weights where there are any."""
        scored: Classifier = self.module if self.average is None else self.average.module
        return scored

    def loss(self, batch: Batch) -> torch.Tensor:
        """Cross-entropy against smoothed, possibly mixed, labels."""
        recipe, (imgs, target) = self.recipe, self.seen(batch)
        with randomness.seeded(recipe.seed, "drop_path", batch.step, batch.part), autocast(self.device, recipe.dtype):
            logits = self.module(imgs)
        smoothing = recipe.smoothing if self.mixup is None else 0.0  # mixed targets are smoothed already
        return F.cross_entropy(logits.float(), target, label_smoothing=smoothing)

    def seen(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (N, C, H, W) as the model sees them, and labels: (N,) classes, or (N, classes) where mixed."""
        recipe = self.recipe
        samples, view = self.asked(batch)
        imgs = self.images.batch(samples, view)
        if recipe.reprob:
            imgs = erased(imgs, samples, recipe.reprob, recipe.seed, batch.epoch)
        imgs, target = sent(imgs, self.device), sent(self.labels[samples], self.device)
        if self.mixup is not None:
            with randomness.seeded(recipe.seed, "mixup", batch.step):  # one draw for the effective batch
                imgs, target = self.mixup(imgs, target)
        return imgs[: len(batch.samples)], target[: len(batch.samples)]

    def asked(self, batch: Batch) -> tuple[torch.Tensor, View]:
        """The images that a batch needs, partners included, and their view."""
        samples = batch.samples if self.mixup is None else _beside_partners(batch)
        return samples, View(self.recipe.augmentation, self.recipe.crop_scale, self.recipe.seed, batch.epoch)

    def ahead(self, batch: Batch) -> None:
        """Read the batch after the next in the background."""
        self.images.ahead(*self.asked(batch))

    def after_step(self) -> None:
        """Move the averaged weights."""
        if self.average is not None:
            self.average.update(self.module)

    def more_state(self) -> dict[str, torch.Tensor]:
        """The averaged weights."""
        return {} if self.average is None else dict(self.average.module.state_dict())

    def load_more_state(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take the averaged weights back."""
        if self.average is not None:
            self.average.module.load_state_dict(tensors, strict=True)


def _mixup(recipe: FinetuneRecipe, num_classes: int) -> Mixup | None:
    """timm's mixup and cutmix: always one of the two, each half of the time, one draw for a batch."""
    if not recipe.mixup and not recipe.cutmix:
        return None
    return Mixup(recipe.mixup, recipe.cutmix, label_smoothing=recipe.smoothing, num_classes=num_classes)


def _beside_partners(batch: Batch) -> torch.Tensor:
    """The micro-batch followed by its partners, so that reversing pairs each image with its own.

    In the effective batch image i is mixed with image B-1-i, whatever micro-batches it is split into; an even batch
    that is not split has all partners in itself.
    """
    if batch.whole and len(batch.samples) % 2 == 0:
        return batch.samples
    partners = batch.effective.flip(0)[batch.start : batch.stop]
    return torch.cat([batch.samples, partners.flip(0)])


def finetune(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Fine-tune the parent's encoder, score it once at the end; with averaged weights, these are scored and kept."""
    recipe, encoder = stage.recipe, encoder_of(stage)
    assert isinstance(recipe, FinetuneRecipe)
    shape = shape_at(encoder, recipe.resolution)
    images = images_of(recipe, shape, store, "train")
    classifier = Classifier(encoder, recipe, images.num_classes)
    classifier.load_encoder(encoder_weights(stage, store))
    learner = Classification(recipe, classifier, images)
    lr = absolute_lr(recipe.base_lr, recipe.batch_size)
    course = course_of(recipe, learnt_from(recipe, images), recipe.min_lr / lr)
    optimizer = adamw(layer_decay_groups(classifier, lr, recipe.layer_decay, recipe.weight_decay), recipe.betas)
    trained = train(learner, optimizer, course, workspace)
    save_weights(workspace.folder, learner.scored, stage)
    scored = scored_on(recipe, images, shape, store)
    metrics = {"top1": top1(learner.scored, recipe, *scored), "n_test": float(len(scored[1])), "loss": trained.loss}
    if learner.average is None:
        return Result(metrics, trained.images_per_second)
    metrics["top1_raw"] = top1(learner.module, recipe, *scored)
    remark = f"scored with weights averaged over steps (decay {recipe.ema_decay}); top1_raw is the last weights'"
    return Result(metrics, trained.images_per_second, (remark,))

"""Probing: how much the features of an encoder that is still learning say, on a few labelled train images.

An observation beside the training: it draws no random number and changes no weight, so it is part of no identity.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from mae_core.data import splits
from mae_core.data.images import Images, View
from mae_core.model.encoder import Encoder
from mae_core.recipes import KnnRecipe, PretrainRecipe
from mae_core.stages.device import autocast, device_of
from mae_core.stages.evaluations.knn import vote
from mae_core.stages.evaluations.ridge import Ridge
from mae_core.training.memory import give_back, is_out_of_memory

LOOKS = 4  # at the ends of epochs, evenly spaced, beside the one before training
# Looked at is one image in 30 of those learnt from (then five looks cost 1 to 2 % of the training), at least 5 of a
# class unless that were more than one in 5, and at most 1000 or 5 of a class
SHARE, LARGEST_SHARE = 30, 5
OF_A_CLASS, MOST = 5, 1000
LEAST_OF_A_CLASS = 2  # with fewer there is no look
FOLDS = 5
BATCH = 50
PENALTY = 1e-2  # of the ridge; nothing is chosen in passing
VOTE = KnnRecipe()


@dataclass(frozen=True)
class Probing:
    """When is looked, and at which train images; none of them is of the tenth on which settings are chosen.

    They depend on the data and on how many images are learnt from, never on the seed or the schedule, so that the
    curves of an ablation's rows are of the same images.
    """

    images: Images
    samples: torch.Tensor  # (n,) as many of each class
    labels: torch.Tensor  # (n,)
    epochs: frozenset[int]  # at whose ends is looked; 0: before training

    @classmethod
    def of(cls, recipe: PretrainRecipe, images: Images) -> Probing | None:
        """The looks at a pre-training on `images`; None without labels, or with too few images for them."""
        if images.labels is None or images.num_classes < 2:
            return None
        learnt, of_classes = recipe.train_images or len(images), OF_A_CLASS * images.num_classes
        asked = max(learnt // SHARE, min(of_classes, learnt // LARGEST_SHARE))
        asked = min(asked, max(MOST, of_classes), len(images) - len(splits.heldout(len(images))))
        if asked < LEAST_OF_A_CLASS * images.num_classes:
            return None
        samples = splits.labelled(images.labels, asked, exclude_heldout=True)
        epochs = frozenset(round(look * recipe.epochs / LOOKS) for look in range(LOOKS + 1))
        return cls(images, samples, images.labels[samples], epochs)

    def look(self, encoder: Encoder, recipe: PretrainRecipe) -> dict[str, float]:
        """Top-1 in per cent of a ridge regression and of nearest neighbours; nothing where memory is short."""
        training = encoder.training
        try:
            encoder.eval()
            return self._accuracies(encoder, recipe)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            give_back()
            return {}
        finally:
            encoder.train(training)

    @torch.no_grad()
    def _accuracies(self, encoder: Encoder, recipe: PretrainRecipe) -> dict[str, float]:
        """Each fifth of the images is scored by probes fitted to the other four."""
        table = self._features(encoder, recipe)
        fold = torch.empty(len(table), dtype=torch.int64)
        fold[self.labels.argsort(stable=True)] = torch.arange(len(table)) % FOLDS  # each has its share of every class
        right = {"ridge_top1": 0, "knn_top1": 0}
        for number in range(FOLDS):
            for name, guess in self._guesses(table, fold == number).items():
                right[name] += int((guess.cpu() == self.labels[fold == number]).sum())
        return {name: 100.0 * count / len(table) for name, count in right.items()}

    def _guesses(self, table: torch.Tensor, scored: torch.Tensor) -> dict[str, torch.Tensor]:
        """Classes of the images `scored` (n,) bool, by probes fitted to the others' features in `table` (n, D)."""
        bank, queries, classes = table[~scored], table[scored], self.images.num_classes
        labels = self.labels[~scored].to(table.device)
        neighbours = max(1, min(VOTE.neighbours, len(bank) // classes))  # no more than a class has
        return {
            "ridge_top1": Ridge.fit(bank, labels, classes).predict(queries, PENALTY).argmax(dim=1),
            "knn_top1": vote(bank, labels, queries, neighbours, VOTE.temperature, classes),
        }

    def _features(self, encoder: Encoder, recipe: PretrainRecipe) -> torch.Tensor:
        """The class token of each image, seen whole and from the centre: (n, D) float32."""
        device, found = device_of(recipe), []
        for chunk in self.samples.split(BATCH):
            imgs = self.images.batch(chunk, View("eval")).to(device)
            with autocast(device, recipe.dtype):
                found.append(encoder.features(imgs).float())
        return torch.cat(found)

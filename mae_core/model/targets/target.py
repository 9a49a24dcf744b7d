"""The interface of targets."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from mae_core.recipes import EncoderRecipe


class Target(Protocol):
    """A reconstruction target. Fitted ones (principal components, a tokenizer) carry what was fitted."""

    def channels(self, recipe: EncoderRecipe) -> int:
        """Width of the decoder's output for one patch."""
        ...

    def of(self, imgs: Tensor) -> Tensor:
        """The targets of all patches of normalised images (N, C, H, W): (N, L, …)."""
        ...

    def loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The mean loss over patches, a float32 scalar, of `pred` (N, M, channels) against `target` (N, M, …)."""
        ...

    def display(self, pred: Tensor, imgs: Tensor) -> Tensor:
        """Predictions (N, L, channels) as images (N, C, H, W) on the scale of `imgs`."""
        ...

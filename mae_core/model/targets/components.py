"""Principal components of patches, and their largest coefficients as a target (Table 1d)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mae_core.model.patches import patchify, unpatchify
from mae_core.recipes import EncoderRecipe


class Covariance:
    """Mean and covariance of rows that come in batches, in float64.

    Batches are merged by their means and scatters (Chan, Golub, LeVeque 1979), so no large sums cancel.
    """

    def __init__(self, width: int, device: torch.device | str = "cpu") -> None:
        self.count = 0
        self.mean = torch.zeros(width, dtype=torch.float64, device=device)
        self.scatter = torch.zeros(width, width, dtype=torch.float64, device=device)

    def add(self, rows: Tensor) -> None:
        """Take in `rows` (n, width)."""
        rows = rows.double()
        mean = rows.mean(dim=0)
        centred, shift = rows - mean, mean - self.mean
        total = self.count + len(rows)
        self.scatter += centred.T @ centred + torch.outer(shift, shift) * (self.count * len(rows) / total)
        self.mean += shift * (len(rows) / total)
        self.count = total

    def components(self, count: int) -> PrincipalComponents:
        """The `count` directions of largest variance, by an exact eigendecomposition.

        A direction's sign is free; the entry of largest magnitude is made positive.
        """
        variances, vectors = torch.linalg.eigh(self.scatter / max(self.count - 1, 1))  # rising
        directions = vectors.T.flip(0)[:count]
        largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
        made = PrincipalComponents(len(self.mean), count)
        made.mean.copy_(self.mean)
        made.components.copy_(directions * largest.sign())
        made.variances.copy_(variances.flip(0).clamp_min(0))  # rounding makes the last ones negative
        return made


class PrincipalComponents(nn.Module):
    """`count` orthonormal directions among patches of `width` values; nothing here is learnt by gradients.

    Attributes:
        mean: (width,) of the patches fitted on.
        components: (count, width) directions, the largest variance first.
        variances: (width,) along every direction, unbiased, also those left out.
    """

    mean: Tensor
    components: Tensor
    variances: Tensor

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("components", torch.zeros(count, width))
        self.register_buffer("variances", torch.zeros(width))

    @property
    def explained(self) -> float:
        """The share of the patches' variance that lies in the directions kept; 1 where there is none to explain."""
        total = float(self.variances.sum())
        return float(self.variances[: len(self.components)].sum()) / total if total else 1.0

    def project(self, patches: Tensor) -> Tensor:
        """Coefficients (…, count) of `patches` (…, width), centred, not whitened."""
        return (patches - self.mean) @ self.components.T

    def unproject(self, coefficients: Tensor) -> Tensor:
        """The patches (…, width) that have these coefficients and no others."""
        return coefficients @ self.components + self.mean


class PcaTarget:
    """The largest coefficients of a patch; mean squared error."""

    def __init__(self, fitted: PrincipalComponents, patch_size: int) -> None:
        self.fitted, self.patch_size = fitted.requires_grad_(False), patch_size

    def channels(self, recipe: EncoderRecipe) -> int:
        """One coefficient for each direction."""
        return len(self.fitted.components)

    @torch.no_grad()
    def of(self, imgs: Tensor) -> Tensor:
        """Coefficients: (N, L, count), in float32 whatever the compute dtype."""
        with torch.autocast(imgs.device.type, enabled=False):
            return self.fitted.project(patchify(imgs, self.patch_size).float())

    def loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Mean squared error in float32."""
        return F.mse_loss(pred.float(), target.float())

    def display(self, pred: Tensor, imgs: Tensor) -> Tensor:
        """The patches that have the predicted coefficients."""
        height, width = imgs.shape[2:]
        grid = height // self.patch_size, width // self.patch_size
        return unpatchify(self.fitted.unproject(pred.float()), self.patch_size, grid)

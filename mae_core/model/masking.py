"""Masks: which patches the encoder sees, drawn for each sample from its own key.

Every sampling is a score for each patch: the patches with the lowest scores stay visible, the others are masked.
So the count is exact, whatever the shape of the mask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mae_core import randomness
from mae_core.errors import RecipeError
from mae_core.recipes import PretrainRecipe

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

# BEiT (Bao et al. 2021): its Algorithm 1 as its released code runs it
BLOCK_AREA = 16 / 196  # the smallest block, as a share of the grid
BLOCK_ASPECT = 0.3  # height : width lies between this and its inverse
BLOCK_TRIES = 10  # blocks tried in a row before giving up


@dataclass(frozen=True)
class Masking:
    """Which of L patches are visible (V of them) and which are masked; patches are numbered row by row.

    Attributes:
        ids_keep: (N, V) numbers of the visible patches.
        ids_masked: (N, L-V) numbers of the masked patches.
        ids_restore: (N, L) where each patch stands in `ids_shuffle`.
        mask: (N, L) float, 1 = removed.
    """

    ids_keep: Tensor
    ids_masked: Tensor
    ids_restore: Tensor
    mask: Tensor

    @property
    def ids_shuffle(self) -> Tensor:
        """The visible patches' numbers, then the masked ones': (N, L), the inverse of `ids_restore`."""
        return torch.cat([self.ids_keep, self.ids_masked], dim=1)

    def to(self, device: torch.device | str) -> Masking:
        """The same masking on `device`."""
        tensors = (self.ids_keep, self.ids_masked, self.ids_restore, self.mask)
        return Masking(*(tensor.to(device, non_blocking=True) for tensor in tensors))


def random_masking(noise: Tensor, num_visible: int) -> Masking:
    """Keep the `num_visible` patches with the lowest noise (paper, section 3: random sampling without replacement).

    Args:
        noise: (N, L) a score for each patch; equal scores rank by patch number.
        num_visible: V, the same for all samples.
    """
    ids_shuffle = noise.argsort(dim=1, stable=True)  # [N, L]
    positions = torch.arange(noise.shape[1], device=noise.device).expand_as(ids_shuffle)
    ids_restore = torch.empty_like(ids_shuffle).scatter_(1, ids_shuffle, positions)
    return Masking(
        ids_keep=ids_shuffle[:, :num_visible],
        ids_masked=ids_shuffle[:, num_visible:],
        ids_restore=ids_restore,
        mask=(ids_restore >= num_visible).float(),
    )


def masking_from(mask: Tensor) -> Masking:
    """The masking that `mask` (N, L), 1 or True = removed, describes.

    Raises RecipeError where samples differ in how many patches they keep, or keep none or all.
    """
    visible = (mask == 0).sum(dim=1)
    num_visible = int(visible[0])
    if not bool((visible == num_visible).all()) or not 0 < num_visible < mask.shape[1]:
        raise RecipeError(
            f"the masks keep between {int(visible.min())} and {int(visible.max())} of {mask.shape[1]} patches; "
            f"keep the same number in every sample, at least one and not all."
        )
    return random_masking((mask != 0).to(torch.uint8), num_visible)


def draw_masking(recipe: PretrainRecipe, epoch: int, samples: Tensor) -> Masking:
    """The masking of `samples` (N,) in `epoch`: each sample's depends on its own number, not on the batch.

    Block sampling (Table 1f) ends with exact counts: what BEiT's blocks fall short of is filled at random. Figure 6 of
    the paper shows such counts; how they were reached is not published.
    """
    noise = randomness.uniform(recipe.seed, "mask", epoch, samples=samples, width=recipe.num_patches)
    if recipe.mask_sampling == "block":
        noise += _in_blocks(recipe, epoch, samples).flatten(1)
    elif recipe.mask_sampling == "grid":
        noise += _off_grid(recipe.grid).flatten()
    return random_masking(noise, recipe.visible_tokens)


def _off_grid(grid: tuple[int, int]) -> Tensor:
    """1 except at even rows and even columns, the patches that Figure 6 shows as kept."""
    off = torch.ones(grid)
    off[::2, ::2] = 0
    return off


def _in_blocks(recipe: PretrainRecipe, epoch: int, samples: Tensor) -> Tensor:
    """Which patches lie in blocks, never more than are to be masked: (N, height, width) bool.

    A block is taken if it masks anything new, and no more than is still to be masked. Blocks are added until that is
    nothing or BLOCK_TRIES in a row were not taken. All samples try in step, each by draws of its own.
    """
    num_masked = recipe.num_patches - recipe.visible_tokens
    masked: Bools = np.zeros((len(samples), *recipe.grid), dtype=np.bool_)
    tries = np.zeros(len(samples), dtype=np.int64)
    active = np.arange(len(samples))
    attempt = 0
    while active.size:
        draws = randomness.uniform(recipe.seed, "block", epoch, attempt, samples=samples[active], width=4).numpy()
        remaining = num_masked - masked[active].sum(axis=(1, 2))
        new: Bools = _blocks(draws, remaining, recipe.grid) & ~masked[active]
        added = new.sum(axis=(1, 2))
        taken: Bools = (added > 0) & (added <= remaining)
        masked[active] |= new & taken[:, None, None]
        tries[active] = np.where(taken, 0, tries[active] + 1)
        active = active[(added * taken < remaining) & (tries[active] < BLOCK_TRIES)]
        attempt += 1
    return torch.from_numpy(masked)


def _blocks(draws: Floats, remaining: npt.NDArray[np.int64], grid: tuple[int, int]) -> Bools:
    """One block for each sample from four draws: area, aspect, row, column. (N, height, width), empty where unfit.

    A block is smaller than the grid in both directions, as in BEiT, unless the grid is one patch thin.
    """
    height, width = grid
    smallest = BLOCK_AREA * height * width
    area = smallest + draws[:, 0] * (remaining - smallest)
    aspect = np.exp(math.log(BLOCK_ASPECT) * (1 - 2 * draws[:, 1]))
    rows = np.rint(np.sqrt(area * aspect)).astype(np.int64)
    columns = np.rint(np.sqrt(area / aspect)).astype(np.int64)
    fits = (rows < max(height, 2)) & (columns < max(width, 2))
    top = np.floor(draws[:, 2] * (height - rows + 1))
    left = np.floor(draws[:, 3] * (width - columns + 1))
    row, column = np.arange(height), np.arange(width)
    inside_rows = (row >= top[:, None]) & (row < (top + rows)[:, None]) & fits[:, None]
    inside_columns = (column >= left[:, None]) & (column < (left + columns)[:, None])
    return np.asarray(inside_rows[:, :, None] & inside_columns[:, None, :])

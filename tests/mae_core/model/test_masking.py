"""Masks: exact counts, inverses, keys, and the shapes of the three samplings."""

import random

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mae_core.errors import RecipeError
from mae_core.model.masking import Masking, draw_masking, masking_from, random_masking
from mae_core.recipes import PretrainRecipe, visible_tokens

GRIDS = st.tuples(st.integers(1, 9), st.integers(2, 9))
SAMPLES = torch.arange(6)


def pretraining(grid: tuple[int, int], **changes: object) -> PretrainRecipe:
    image_size = (grid[0] * 2, grid[1] * 2)
    return PretrainRecipe(image_size=image_size, patch_size=2, embed_dim=8, num_heads=2, **changes)


def tensors(masking: Masking) -> tuple[torch.Tensor, ...]:
    return masking.ids_keep, masking.ids_masked, masking.ids_restore, masking.mask


@given(grid=GRIDS, ratio=st.floats(0.05, 0.95), sampling=st.sampled_from(["random", "block"]), epoch=st.integers(0, 9))
def test_each_sample_keeps_exactly_the_visible_count(grid, ratio, sampling, epoch):
    assume(0 < visible_tokens(grid[0] * grid[1], ratio) < grid[0] * grid[1])
    recipe = pretraining(grid, mask_ratio=ratio, mask_sampling=sampling)
    masking = draw_masking(recipe, epoch, SAMPLES)
    assert masking.ids_keep.shape == (6, recipe.visible_tokens)
    assert (masking.mask == 0).sum(dim=1).tolist() == [recipe.visible_tokens] * 6


@given(noise=st.lists(st.permutations(range(12)), min_size=1, max_size=4), num_visible=st.integers(1, 11))
def test_ids_restore_inverts_the_shuffle(noise, num_visible):
    masking = random_masking(torch.tensor(noise), num_visible)
    order = torch.arange(12).expand(len(noise), 12)
    assert torch.equal(masking.ids_shuffle.gather(1, masking.ids_restore), order)
    assert torch.equal(masking.mask.gather(1, masking.ids_keep), torch.zeros_like(masking.ids_keep).float())
    assert masking.mask.gather(1, masking.ids_masked).all()


def test_the_lowest_noise_stays_visible():
    masking = random_masking(torch.tensor([[0.3, 0.1, 0.9, 0.2]]), 2)
    assert masking.ids_keep.tolist() == [[1, 3]]
    assert masking.mask.tolist() == [[1, 0, 1, 0]]


@pytest.mark.parametrize("sampling", ["random", "block", "grid"])
def test_a_sample_is_masked_alike_in_any_batch(sampling):
    recipe = pretraining((4, 6), mask_sampling=sampling)
    whole = draw_masking(recipe, 3, torch.arange(40))
    part = draw_masking(recipe, 3, torch.tensor([33, 2, 17]))
    for all_rows, rows in zip(tensors(whole), tensors(part), strict=True):
        assert torch.equal(all_rows[[33, 2, 17]], rows)


@pytest.mark.parametrize("sampling", ["random", "block"])
def test_masks_differ_between_epochs_samples_and_seeds(sampling):
    masks = [
        draw_masking(pretraining((6, 6), mask_sampling=sampling, seed=seed), epoch, SAMPLES).mask
        for seed in (0, 1)
        for epoch in range(3)
    ]
    rows = torch.cat(masks)
    assert len(rows.unique(dim=0)) == len(rows)


def test_random_masks_hide_every_patch_equally_often():
    masks = draw_masking(pretraining((4, 4), mask_ratio=0.75), 0, torch.arange(4000)).mask
    assert masks.mean(dim=0) == pytest.approx(torch.full((16,), 0.75), abs=0.03)  # four standard errors


def test_grid_sampling_keeps_even_rows_and_columns():
    recipe = pretraining((4, 6), mask_sampling="grid")
    mask = draw_masking(recipe, 0, SAMPLES).mask.reshape(6, 4, 6)
    assert not mask[:, ::2, ::2].any()
    assert mask.sum() == 6 * 18


@given(half=st.tuples(st.integers(1, 5), st.integers(1, 5)), seed=st.integers(0, 9), epoch=st.integers(0, 9))
def test_grid_sampling_keeps_one_patch_of_every_two_by_two(half, seed, epoch):
    grid = (2 * half[0], 2 * half[1])
    mask = draw_masking(pretraining(grid, mask_sampling="grid", seed=seed), epoch, SAMPLES).mask.reshape(6, *grid)
    squares = mask.unfold(1, 2, 2).unfold(2, 2, 2).sum(dim=(3, 4))
    assert (squares == 3).all()


@settings(max_examples=40)
@given(
    samples=st.lists(st.integers(0, 2**40), min_size=1, max_size=12, unique=True),
    sampling=st.sampled_from(["random", "block", "grid"]),
    key=st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
def test_a_mask_is_a_function_of_seed_epoch_and_sample(samples, sampling, key):
    recipe = pretraining((4, 8), mask_sampling=sampling, seed=key[0])
    together = draw_masking(recipe, key[1], torch.tensor(samples)).mask
    alone = [draw_masking(recipe, key[1], torch.tensor([sample])).mask for sample in reversed(samples)]
    assert torch.equal(together, torch.cat(alone[::-1]))


@given(st.integers(1, 11), st.lists(st.permutations(range(12)), min_size=1, max_size=4))
def test_any_callers_mask_with_equal_counts_is_followed(num_visible, orders):
    mask = torch.tensor([[float(patch >= num_visible) for patch in order] for order in orders])
    masking = masking_from(mask.bool())
    assert torch.equal(masking.mask, mask)
    assert torch.equal(mask.gather(1, masking.ids_keep), torch.zeros(len(orders), num_visible))
    assert torch.equal(mask.gather(1, masking.ids_masked), torch.ones(len(orders), 12 - num_visible))


@pytest.mark.parametrize("ratio", [0.5, 0.75])
def test_block_masks_are_blockier_than_random_ones(ratio):
    def equal_neighbours(sampling: str) -> float:
        recipe = pretraining((14, 14), mask_sampling=sampling, mask_ratio=ratio)
        mask = draw_masking(recipe, 0, torch.arange(200)).mask.reshape(-1, 14, 14)
        return float((mask[:, 1:] == mask[:, :-1]).float().mean())

    chance = ratio**2 + (1 - ratio) ** 2
    assert equal_neighbours("random") == pytest.approx(chance, abs=0.02)
    assert equal_neighbours("block") > 0.85


def beit_rectangle(rng: random.Random, size: int, most: int) -> set[tuple[int, int]]:
    """16/196 of the grid to `most` patches in a rectangle of aspect 0.3 to 1/0.3; none if it is as long as a side."""
    area = rng.uniform(16 * size * size / 196, most)
    aspect = 0.3 ** rng.uniform(-1, 1)
    height, width = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
    if max(height, width) >= size:
        return set()
    top, left = rng.randrange(size - height + 1), rng.randrange(size - width + 1)
    return {(row, column) for row in range(top, top + height) for column in range(left, left + width)}


def beit_mask(rng: random.Random, size: int, num_masked: int) -> torch.Tensor:
    """One mask: up to ten tries at each block, which may add one patch to all that are left; the rest at random."""
    patches = {(row, column) for row in range(size) for column in range(size)}
    masked: set[tuple[int, int]] = set()
    while left := num_masked - len(masked):
        tries = (beit_rectangle(rng, size, left) - masked for _ in range(10))
        block = next((new for new in tries if 0 < len(new) <= left), None)
        if block is None:
            masked |= set(rng.sample(sorted(patches - masked), left))
        else:
            masked |= block
    return torch.tensor([[(row, column) in masked for column in range(size)] for row in range(size)])


@pytest.mark.parametrize("ratio", [0.5, 0.75])
def test_block_masks_are_distributed_as_beits(ratio):
    recipe = pretraining((14, 14), mask_sampling="block", mask_ratio=ratio)
    ours = draw_masking(recipe, 0, torch.arange(2000)).mask.reshape(-1, 14, 14)
    rng = random.Random(0)
    theirs = torch.stack([beit_mask(rng, 14, 196 - recipe.visible_tokens) for _ in range(500)]).float()
    for sign in (1, -1):  # how ragged a mask is; how much more so downwards than across
        mine, other = (
            mask.diff(dim=1).abs().sum(dim=(1, 2)) + sign * mask.diff(dim=2).abs().sum(dim=(1, 2))
            for mask in (ours, theirs)
        )
        error = other.std().item() / 500**0.5
        assert mine.mean().item() == pytest.approx(other.mean().item(), abs=5 * error)
        assert mine.std().item() == pytest.approx(other.std().item(), abs=5 * error / 2**0.5)
    assert ours.mean(dim=0) == pytest.approx(theirs.mean(dim=0), abs=0.12)  # where: five standard errors


def test_a_callers_mask_is_followed():
    mask = torch.tensor([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1]])
    masking = masking_from(mask)
    assert torch.equal(masking.mask, mask.float())
    assert masking.ids_keep.tolist() == [[1, 4], [0, 3]]


@pytest.mark.parametrize("rows", [[[1, 0, 0], [1, 1, 0]], [[1, 1, 1]], [[0, 0, 0]]])
def test_a_mask_that_cannot_be_batched_is_refused(rows):
    with pytest.raises(RecipeError, match="keep the same number in every sample"):
        masking_from(torch.tensor(rows))

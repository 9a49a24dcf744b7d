"""DALL-E's encoder against the one inside Hugging Face's FLAVA, and what it reads of our images."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import FlavaImageCodebook, FlavaImageCodebookConfig

from mae_core.costs import DALLE_MACS
from mae_core.model.targets.dalle import DalleEncoder, DalleFileError, DalleTokenizer

NARROW = {"width": 8, "vocabulary": 32}


def narrow(**settings):
    torch.manual_seed(0)
    made = {"patch_size": 4, "mean": (0.4, 0.5, 0.6), "std": (0.2, 0.2, 0.3), **settings}
    return DalleTokenizer(DalleEncoder(**NARROW), **made)


def theirs(ours):
    """FLAVA's copy with our weights."""
    twin = FlavaImageCodebook(FlavaImageCodebookConfig())
    weights = ours.state_dict()
    names = {name: name.replace(".group.", ".").replace("res_path.path.", "res_path.") for name in twin.state_dict()}
    assert set(names.values()) == set(weights)
    twin.load_state_dict({name: weights[own] for name, own in names.items()})
    return twin


def test_the_true_architecture_gives_the_tokens_of_an_independent_one():
    torch.manual_seed(0)
    ours, pixels = DalleEncoder(), torch.rand(1, 3, 16, 24)
    with torch.no_grad():
        logits = ours(pixels)
        torch.testing.assert_close(logits, theirs(ours).blocks(pixels), rtol=0, atol=1e-6)
    assert logits.shape == (1, 8192, 2, 3)


def test_its_cost_is_what_torch_counts():
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        DalleEncoder()(torch.empty(1, 3, 112, 112))
    assert counter.get_total_flops() / 2 / 14**2 == DALLE_MACS


@pytest.mark.parametrize(("patch_size", "size"), [(4, (32, 128)), (14, (28, 42)), (16, (48, 16))])
def test_the_tokens_grid_is_the_patch_grid(patch_size, size):
    tokenizer, imgs = narrow(patch_size=patch_size), torch.randn(2, 3, *size)
    down, across = size[0] // patch_size, size[1] // patch_size
    assert tokenizer.reads(imgs).shape == (2, 3, 8 * down, 8 * across)
    assert tokenizer.tokens(imgs).shape == (2, down * across)


def test_it_reads_pixels_not_normalised_values_mapped_from_the_ends():
    tokenizer = narrow()
    mean, std = (torch.tensor(values)[:, None, None] for values in (tokenizer.mean, tokenizer.std))
    for pixel, mapped in ((0.0, 0.1), (0.5, 0.5), (1.0, 0.9)):
        imgs = ((torch.full((1, 3, 8, 8), pixel) - mean) / std).float()
        assert tokenizer.reads(imgs).flatten() == pytest.approx(torch.full((3 * 256,), mapped), abs=1e-5)


def test_grey_is_read_as_colour():
    tokenizer = narrow(mean=(0.5,), std=(0.25,))
    read = tokenizer.reads(torch.randn(2, 1, 8, 8))
    assert torch.equal(read[:, 0], read[:, 1])
    assert tokenizer.pictures(tokenizer.tokens(torch.randn(2, 1, 8, 8))).shape == (2, 4, 16)


def test_an_image_twice_the_tokenizers_size_is_halved_not_cropped():
    tokenizer = narrow(patch_size=16, mean=(0.5,) * 3)
    left = torch.zeros(1, 3, 32, 32)
    left[..., :16] = 1.0
    read = tokenizer.reads(left)
    assert (read[..., :7].amin(dim=(0, 2, 3)) > read[..., 9:].amax(dim=(0, 2, 3))).all()


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_weights_that_do_not_fit_are_named(change):
    weights = dict(DalleEncoder(**NARROW).state_dict())
    name = "blocks.group_2.block_1.id_path.weight"
    if change == "missing":
        del weights[name]
    elif change == "shape":
        weights[name] = weights[name][:1]
    else:
        weights[name := "decoder.weight"] = torch.zeros(1)
    with pytest.raises(DalleFileError, match=name):
        DalleEncoder.of_shape(weights).take(weights)

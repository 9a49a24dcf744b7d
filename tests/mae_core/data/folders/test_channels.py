"""Folders of images with other channels than one or three: what they are taken for, and what is refused."""

import numpy as np
import pytest
import torch
from PIL import Image

from mae_core.data.catalogue import describe
from mae_core.data.folders import survey
from mae_core.data.images import View
from mae_core.errors import DataError
from tests.mae_core.data.pictures import DAMAGES, damage, opened, paint, paint_split, strew

ON_DISK = pytest.mark.parametrize("on_disk", [False, True], ids=["in memory", "on disk"])
AUGMENTATIONS = ("none", "eval", "fixed_crop", "random_crop", "random_crop_jitter", "randaugment")


@pytest.fixture
def bands(tmp_path):
    """Opens a folder of thirteen bands, 24×48, at 16×32."""

    def opens(split="train", on_disk=False, **settings):
        limits = {"memory_limit": 0} if on_disk else {}
        return opened(tmp_path / "bands", tmp_path / "home", split, (16, 32), **limits, **settings)

    opens.path, opens.home = strew(tmp_path / "bands", (24, 48, 13)), tmp_path / "home"
    return opens


@ON_DISK
@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_every_view_of_thirteen_bands_is_one(bands, augmentation, on_disk):
    images = bands(on_disk=on_disk)
    found = images.batch(torch.arange(8), View(augmentation))
    assert found.shape == (8, 13, 16, 32)
    assert found.isfinite().all()


@ON_DISK
def test_values_of_whole_images_are_those_of_the_file_between_black_and_white(tmp_path, on_disk):
    folder, limits = strew(tmp_path / "bands", (16, 32, 5)), {"memory_limit": 0} if on_disk else {}
    found = opened(folder, tmp_path / "home", size=(16, 32), **limits).pixels(torch.tensor([0]), View("eval"))[0]
    values = np.load(folder / "train" / "cat" / "000.npy").astype(float).transpose(2, 0, 1)
    for ours, theirs in zip(found.numpy(), values, strict=True):
        slope, offset = np.polyfit(theirs.ravel(), ours.ravel(), 1)
        assert slope > 0
        assert np.abs(slope * theirs + offset - ours).mean() < 2 / 255


def test_test_images_are_scaled_as_the_train_images_are(bands):
    train, test = bands("train"), bands("test", on_disk=True)
    path, last = bands.path / "val" / "dog" / "001.npy", torch.tensor([3])
    before = test.pixels(last, View("eval"))
    np.save(path, np.load(path) // 2)
    assert (train.mean, train.std) == (test.mean, test.std)
    torch.testing.assert_close(test.pixels(last, View("eval")), before / 2, atol=0.1, rtol=0)


def test_images_to_be_scored_on_are_scaled_as_those_learnt_from(bands, tmp_path):
    shifted = strew(tmp_path / "shifted", (24, 48, 13), splits=("val",))
    with pytest.raises(DataError, match=r"val/ alone.*put train/ beside it"):
        opened(shifted, bands.home, "test")
    found = opened(shifted, bands.home, "test", (16, 32), normalised_as=str(bands.path))
    assert torch.equal(found.batch(torch.arange(4), View("eval")), bands("test").batch(torch.arange(4), View("eval")))


@ON_DISK
@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_array_is_replaced_and_named(bands, on_disk, how):
    path = bands.path / "train" / "cat" / "001.npy"
    damage(path, how)
    images = bands(on_disk=on_disk)
    found = images.batch(torch.arange(8), View("eval"))
    assert torch.equal(found[1], found[2])
    assert images.corrupt == (path,)


def test_another_number_of_channels_is_refused_by_the_names_of_two_files(bands):
    odd = bands.path / "val" / "cat" / "001.npy"
    np.save(odd, np.zeros((24, 48, 12)))
    with pytest.raises(DataError, match=r"train/cat/000.npy has 13 channels and .*val/cat/001.npy has 12; give"):
        bands()


@ON_DISK
@pytest.mark.parametrize("place", ["000", "001"])
def test_it_is_refused_where_it_was_not_among_the_first_looked_at_too(bands, on_disk, monkeypatch, place):
    monkeypatch.setattr(survey, "SAMPLED", 1)
    np.save(bands.path / "train" / "dog" / f"{place}.npy", np.zeros((24, 48, 12), np.uint16))
    with pytest.raises(DataError, match=rf"train/dog/{place}.npy has 12 channels, unlike .*train/cat/000.npy; give"):
        bands(on_disk=on_disk).batch(torch.arange(8), View("eval"))


def test_photographs_among_arrays_are_refused_by_the_names_of_two_files(bands):
    paint(bands.path / "train" / "dog" / "b.png")
    with pytest.raises(DataError, match=r"000.npy and .*b.png are of two kinds, arrays and photographs; keep"):
        bands()


def test_arrays_are_read_with_their_own_channels_alone(bands):
    with pytest.raises(DataError, match="with 13 channels, not 3; change in_chans"):
        bands(in_chans=3)


def see_through(folder, share):
    """Give every picture of a folder an alpha, of which `share` is transparent."""
    for path in folder.rglob("*.png"):
        image = Image.open(path).convert("RGBA")
        alpha = Image.new("L", image.size, 255)
        alpha.paste(0, (0, 0, round(image.width * share), image.height))
        image.putalpha(alpha)
        image.save(path)


@pytest.mark.parametrize(("share", "in_chans"), [(0.5, 4), (0.0, 3)])
def test_alpha_is_a_channel_where_all_have_one_and_some_of_it_shows(tmp_path, share, in_chans):
    folder = paint_split(tmp_path / "icons")
    see_through(folder, share)
    assert describe(str(folder), tmp_path / "home").in_chans == in_chans
    paint(folder / "train" / "cat" / "000.png")
    assert describe(str(folder), tmp_path / "home").in_chans == 3


@ON_DISK
@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_images_with_alpha_are_seen_with_it_or_without(tmp_path, on_disk, augmentation):
    folder, limits = paint_split(tmp_path / "icons"), {"memory_limit": 0} if on_disk else {}
    see_through(folder, 0.5)
    for in_chans in (4, 3, 1):
        images = opened(folder, tmp_path / "home", size=(8, 8), in_chans=in_chans, **limits)
        found = images.pixels(torch.arange(8), View(augmentation))
        assert (found.shape, len(images.mean)) == ((8, in_chans, 8, 8), in_chans)
    alpha = opened(folder, tmp_path / "home", size=(8, 8), **limits).pixels(torch.arange(8), View("eval"))[:, 3]
    assert alpha[..., :3].max() < 0.1 < 0.9 < alpha[..., 5:].min()

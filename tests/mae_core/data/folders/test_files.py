"""Images of folders: photographs in memory or on disk, decoded once, and never quietly damaged or changed."""

import numpy as np
import pytest
import torch

from mae_core.data.catalogue import describe
from mae_core.data.images import View, open_images
from mae_core.errors import DataError
from tests.mae_core.data.pictures import DAMAGES, damage, opened, paint, paint_split, picture

ON_DISK = pytest.mark.parametrize("on_disk", [False, True], ids=["in memory", "on disk"])


@pytest.fixture
def folder(tmp_path):
    """Opens a labelled folder with a home of its own, at 16×24."""

    def opens(split="train", on_disk=False, size=(16, 24), **settings):
        limits = {"memory_limit": 0} if on_disk else {}
        return opened(tmp_path / "pets", tmp_path / "home", split, size, **limits, **settings)

    opens.path = paint_split(tmp_path / "pets", size=(40, 48), train=6)
    opens.decoded = tmp_path / "home" / "data" / "decoded"
    return opens


@ON_DISK
def test_a_photograph_is_seen_as_the_paper_s_evaluation_sees_it(folder, on_disk):
    paint(folder.path / "val" / "cat" / "000.png", size=(64, 80), seed=3)
    images = folder("test", on_disk, size=(28, 28))
    theirs = np.asarray(picture((64, 80), seed=3).resize((40, 32), 3).crop((6, 2, 34, 30)), float) / 255
    ours = images.pixels(torch.tensor([0]), View("eval"))[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - theirs).max() < 1.5 / 255


@pytest.mark.parametrize("augmentation", ["eval", "none", "fixed_crop"])
def test_views_of_fixed_size_are_the_same_from_memory_and_from_disk(folder, augmentation):
    kept, read = folder(), folder(on_disk=True)
    samples, view = torch.arange(12), View(augmentation)
    assert torch.equal(kept.batch(samples, view), read.batch(samples, view))


def test_random_crops_from_memory_and_from_disk_show_the_same_part(folder):
    kept, read = folder(size=(32, 32)), folder(on_disk=True, size=(32, 32))
    samples, view = torch.arange(12), View("random_crop", crop_scale=(0.5, 1.0))
    gap = (kept.pixels(samples, view) - read.pixels(samples, view)).abs()
    other = (kept.pixels(samples, view) - read.pixels(samples.flip(0), view)).abs()
    assert gap.mean() < other.mean() / 3  # a kept image has lost the ends of its longer side


@ON_DISK
def test_images_of_the_size_asked_for_are_kept_whole(tmp_path, on_disk):
    paint_split(tmp_path / "small", size=(16, 16), train=3)
    images = opened(tmp_path / "small", tmp_path / "home", size=(16, 16), memory_limit=0 if on_disk else 10**9)
    expected = torch.from_numpy(np.array(picture((16, 16), seed=0))).permute(2, 0, 1) / 255
    assert torch.equal(images.pixels(torch.tensor([0]), View("eval"))[0], expected)
    assert images.batch(torch.arange(6), View("fixed_crop")).shape == (6, 3, 16, 16)


@ON_DISK
def test_grey_photographs_have_one_channel(tmp_path, on_disk):
    paint_split(tmp_path / "grey", mode="L")
    images = opened(tmp_path / "grey", tmp_path / "home", size=(8, 8), memory_limit=0 if on_disk else 10**9)
    for augmentation in ("eval", "random_crop_jitter"):
        assert images.batch(torch.arange(4), View(augmentation)).shape == (4, 1, 8, 8)


@ON_DISK
def test_labels_follow_the_class_folders(folder, on_disk):
    images = folder(on_disk=on_disk)
    assert (images.labels.tolist(), images.num_classes, len(images)) == ([0] * 6 + [1] * 6, 2, 12)


def test_unlabelled_images_have_no_labels(tmp_path):
    for index in range(20):
        paint(tmp_path / "all" / f"{index}.png")
    images = opened(tmp_path / "all", tmp_path / "home", size=(8, 8))
    assert (images.labels, images.num_classes, len(images)) == (None, 0, 18)


def test_files_are_decoded_once(folder):
    samples = torch.arange(12)
    first = folder().batch(samples, View("eval"))
    made = {path: path.stat().st_mtime_ns for path in folder.decoded.glob("*.npy")}
    assert torch.equal(folder().batch(samples, View("eval")), first)
    assert {path: path.stat().st_mtime_ns for path in folder.decoded.glob("*.npy")} == made
    assert len(made) == 1


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY"])
def test_a_damaged_array_is_decoded_again(folder, content):
    first = folder().batch(torch.arange(12), View("eval"))
    (path,) = folder.decoded.glob("*.npy")
    path.write_bytes(content)
    assert torch.equal(folder().batch(torch.arange(12), View("eval")), first)


def test_data_that_changed_since_the_plan_are_refused(folder, tmp_path):
    planned = describe(str(folder.path), tmp_path / "home").fingerprint
    paint(folder.path / "train" / "cat" / "new.png")
    with pytest.raises(DataError, match=r"the data changed since this run was planned.*plan it again"):
        open_images(str(folder.path), tmp_path / "home", "train", (16, 16), 3, planned)


@ON_DISK
@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize(("bad", "stand_in"), [((1,), 2), ((1, 2), 3), ((5,), 0), ((11,), 6)])
def test_a_damaged_train_image_is_replaced_by_the_next_of_its_class_and_named(folder, on_disk, how, bad, stand_in):
    paths = sorted((folder.path / "train").rglob("*.png"))
    for sample in bad:
        damage(paths[sample], how)
    images = folder(on_disk=on_disk)
    found = images.batch(torch.arange(12), View("eval"))
    assert torch.equal(found[bad[0]], found[stand_in])
    assert images.corrupt == tuple(paths[sample] for sample in bad)
    assert images.labels[bad[0]] == images.labels[stand_in]


def test_damage_is_still_known_when_the_decoded_images_are_opened_again(folder):
    damage(folder.path / "train" / "cat" / "001.png", "empty")
    assert folder().corrupt == folder().corrupt == (folder.path / "train" / "cat" / "001.png",)


@ON_DISK
def test_a_damaged_test_image_is_refused_by_name(folder, on_disk):
    damage(folder.path / "val" / "dog" / "001.png", "cut short")
    with pytest.raises(DataError, match=r"1 test images cannot be decoded \(.*val/dog/001.png\); remove or repair"):
        folder("test", on_disk).batch(torch.arange(4), View("eval"))


@ON_DISK
def test_much_damage_to_train_images_is_refused(folder, on_disk):
    for sample in range(4):
        damage(folder.path / "train" / "cat" / f"{sample:03}.png", "empty")
    with pytest.raises(DataError, match=r"4 train images cannot be decoded.*scan"):
        folder(on_disk=on_disk).batch(torch.arange(12), View("eval"))


@ON_DISK
def test_a_class_without_a_whole_image_is_refused(tmp_path, on_disk):
    paint_split(tmp_path / "pets", train=2)
    for sample in range(2):
        damage(tmp_path / "pets" / "train" / "cat" / f"{sample:03}.png", "empty")
    with pytest.raises(DataError, match=r"no image beside .* can be decoded"):
        opened(tmp_path / "pets", tmp_path / "home", memory_limit=0 if on_disk else 10**9).batch(
            torch.arange(4), View("eval")
        )


@pytest.mark.parametrize("augmentation", ["none", "fixed_crop", "random_crop", "random_crop_jitter"])
def test_images_read_ahead_are_the_same(folder, augmentation):
    ahead, plain = folder(on_disk=True), folder(on_disk=True)
    view, samples = View(augmentation, seed=3, epoch=1), torch.arange(len(plain))
    for part in (samples[:2], samples[2:]):
        ahead.ahead(part, view)
        assert torch.equal(ahead.batch(part, view), plain.batch(part, view))


def test_what_was_read_ahead_in_vain_is_left_aside(folder):
    images, samples = folder(on_disk=True), torch.arange(3)
    images.ahead(samples, View("random_crop", seed=0, epoch=1))
    found = images.batch(samples, View("random_crop", seed=0, epoch=2))
    assert torch.equal(found, folder(on_disk=True).batch(samples, View("random_crop", seed=0, epoch=2)))

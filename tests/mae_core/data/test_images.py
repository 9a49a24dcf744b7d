"""Images: what a view makes of a sample depends on the sample and the view, and on nothing else."""

import hashlib
import pickle
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mae_core.data import fashion_mnist
from mae_core.data.images import View
from mae_core.data.normalisation import FASHION_MNIST_MEAN, FASHION_MNIST_STD
from mae_core.data.transforms.views import Augmentation
from mae_core.errors import DataError
from tests.mae_core.data.pictures import opened, paint_split

AUGMENTATIONS = get_args(Augmentation)
RANDOM = [name for name in AUGMENTATIONS if name not in ("none", "eval")]


@pytest.fixture(scope="module")
def fashion(shared_data):
    return opened("fashion_mnist", shared_data.parent)


@pytest.fixture(scope="module")
def sources(fashion, tmp_path_factory):
    """One set of images of each kind: whole arrays, decoded files, and files decoded each time."""
    base = tmp_path_factory.mktemp("sources")
    pets = paint_split(base / "pets", size=(40, 48), train=6)
    files = [opened(pets, base / "home", size=(16, 24), memory_limit=limit) for limit in (10**9, 0)]
    return {"arrays": fashion, "decoded files": files[0], "files": files[1]}


@settings(max_examples=25)
@given(
    data=st.data(),
    kind=st.sampled_from(["arrays", "decoded files", "files"]),
    augmentation=st.sampled_from(AUGMENTATIONS),
    seed=st.integers(0, 3),
)
def test_a_sample_s_pixels_do_not_depend_on_its_batch(sources, data, kind, augmentation, seed):
    images = sources[kind]
    samples = torch.tensor(data.draw(st.lists(st.integers(0, len(images) - 1), min_size=1, max_size=9)))
    view = View(augmentation, seed=seed, epoch=2)
    together = images.batch(samples, view)
    place = data.draw(st.integers(0, len(samples) - 1))
    assert torch.equal(together[place : place + 1], images.batch(samples[place : place + 1], view))


@pytest.mark.parametrize("augmentation", RANDOM)
@pytest.mark.parametrize("kind", ["arrays", "decoded files", "files"])
def test_a_random_view_repeats_itself_and_changes_with_seed_and_epoch(sources, kind, augmentation):
    images, samples = sources[kind], torch.arange(12)
    view, epoch, seed = (View(augmentation, seed=s, epoch=e) for s, e in ((0, 0), (0, 1), (1, 0)))
    assert torch.equal(images.batch(samples, view), images.batch(samples, view))
    for other in (epoch, seed):
        differing = (images.batch(samples, view) != images.batch(samples, other)).flatten(1).any(1)
        assert differing.sum() >= 10


@pytest.mark.parametrize("kind", ["arrays", "decoded files", "files"])
def test_the_centre_depends_on_no_draw(sources, kind):
    images, samples = sources[kind], torch.arange(12)
    plain = images.batch(samples, View("none"))
    assert torch.equal(plain, images.batch(samples, View("eval", seed=5, epoch=7)))


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("kind", ["arrays", "decoded files", "files"])
def test_a_view_has_its_shape_and_range(sources, kind, augmentation):
    images = sources[kind]
    pixels = images.pixels(torch.arange(5), View(augmentation))
    assert (pixels.shape, pixels.dtype) == ((5, len(images.mean), *images.size), torch.float32)
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    assert torch.equal(images.normalise_(pixels), images.batch(torch.arange(5), View(augmentation)))


def test_fashion_mnist_is_framed_by_zeros_and_otherwise_as_it_is(home, fashion):
    raw, labels = fashion_mnist.arrays(home, "train")
    samples = torch.tensor([0, 59_999, 7])
    expected = np.pad(raw[samples.numpy()] / 255, ((0, 0), (0, 0), (2, 2), (2, 2)))
    assert torch.equal(fashion.pixels(samples, View("eval")), torch.from_numpy(expected).float())
    assert torch.equal(fashion.labels, torch.from_numpy(labels).long())


def test_the_constants_are_those_of_the_framed_train_images(home):
    raw, _ = fashion_mnist.arrays(home, "train")
    share = (28 / 32) ** 2
    mean, square = raw.mean() / 255 * share, (raw.astype(np.float32) ** 2).mean(dtype=np.float64) / 255**2 * share
    assert pytest.approx(FASHION_MNIST_MEAN[0], abs=5e-5) == mean
    assert pytest.approx(FASHION_MNIST_STD[0], abs=5e-5) == np.sqrt(square - mean**2)


@pytest.mark.parametrize("size", [(16, 16), (28, 28), (20, 40), (48, 48)])
def test_fashion_mnist_comes_in_any_size(home, size):
    images = opened("fashion_mnist", home, "test", size)
    for augmentation in ("none", "fixed_crop", "random_crop"):
        assert images.batch(torch.arange(3), View(augmentation)).shape == (3, 1, *size)


@pytest.mark.parametrize(("size", "room"), [((32, 32), (4, 4)), ((16, 40), (2, 5))])
def test_a_fixed_crop_moves_the_whole_image_by_up_to_an_eighth(home, size, room):
    images, samples = opened("fashion_mnist", home, "test", size), torch.arange(200)
    whole = torch.nn.functional.pad(images.pixels(samples, View("none")), (room[1], room[1], room[0], room[0]))
    places = whole.unfold(2, size[0], 1).unfold(3, size[1], 1).flatten(2, 3)[:, 0]  # (N, places, H, W)
    found = images.pixels(samples, View("fixed_crop"))
    plain = (places == found).flatten(2).all(2)
    mirrored = (places == found.flip(-1)).flatten(2).all(2)
    assert (plain | mirrored).any(1).all()
    assert mirrored.any(1).double().mean() == pytest.approx(0.5, abs=0.1)
    assert len((plain | mirrored).nonzero()[:, 1].unique()) > 0.8 * places.shape[1]


def test_a_crop_of_everything_is_the_image(home):
    images = opened("fashion_mnist", home, "test", (14, 14))
    view = View("random_crop", crop_scale=(1.0, 1.0))
    cropped, whole = images.pixels(torch.arange(50), view), images.pixels(torch.arange(50), View("eval"))
    gap = torch.minimum((cropped - whole).abs().amax((1, 2, 3)), (cropped - whole.flip(-1)).abs().amax((1, 2, 3)))
    assert gap.max() < 1e-5


def test_grey_images_fill_three_channels_alike(home, fashion):
    colour = opened("fashion_mnist", home, in_chans=3)
    samples = torch.arange(4)
    assert torch.equal(
        colour.batch(samples, View("random_crop")),
        fashion.batch(samples, View("random_crop")).expand(-1, 3, -1, -1),
    )


def test_jitter_is_added_to_the_same_crop(fashion):
    samples = torch.arange(64)
    plain, jittered = (fashion.pixels(samples, View(name)).flatten(1) for name in ("random_crop", "random_crop_jitter"))
    alike = [torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(plain, jittered, strict=True)]
    assert min(alike) > 0.9  # brightness and contrast leave the order of grey levels
    assert (plain != jittered).any(1).all()


def test_randaugment_begins_with_the_same_crop(fashion):
    samples = torch.arange(64)
    plain, augmented = (fashion.pixels(samples, View(name)) for name in ("random_crop", "randaugment"))
    untouched = ((plain - augmented).abs().flatten(1).amax(1) < 1 / 255).double().mean()
    assert 0.1 < untouched < 0.5  # two operations, each left out half the time


def test_the_global_generators_are_left_alone(fashion):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    fashion.batch(torch.arange(4), View("randaugment"))
    assert torch.equal(torch.rand(1), expected)


def test_absent_data_say_where_to_put_them(tmp_path):
    for data, sentence in (("imagenet1k", "MAE_IMAGENET"), ("cifar10", "cifar-10-batches-py")):
        with pytest.raises(DataError, match=sentence):
            opened(data, tmp_path, in_chans=3)


def test_images_have_one_channel_or_three(home):
    with pytest.raises(DataError, match="1 or 3 channels, not 4"):
        opened("fashion_mnist", home, in_chans=4)


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    """A home with CIFAR-10's batches, of the real names and shapes, whose checksums torchvision accepts."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    def batch(name):
        pixels, labels = draw.integers(0, 256, (10_000, 3072), np.uint8), draw.integers(0, 10, 10_000).tolist()
        return write(name, {"data": pixels, "labels": labels})

    monkeypatch.setattr(CIFAR10, "train_list", [batch(f"data_batch_{number}") for number in range(1, 6)])
    monkeypatch.setattr(CIFAR10, "test_list", [batch("test_batch")])
    name, md5 = write("batches.meta", {"label_names": [str(label) for label in range(10)]})
    monkeypatch.setattr(CIFAR10, "meta", {"filename": name, "key": "label_names", "md5": md5})
    return tmp_path


def test_cifar10_is_read_in_torchvision_s_format_and_kept_decoded(cifar10):
    images = opened("cifar10", cifar10, "test")
    content = pickle.loads((cifar10 / "data" / "cifar-10-batches-py" / "test_batch").read_bytes())
    expected = torch.from_numpy(content["data"][:3].reshape(3, 3, 32, 32)) / 255
    assert torch.equal(images.pixels(torch.arange(3), View("eval")), expected)
    assert images.labels.tolist() == content["labels"]
    (cifar10 / "data" / "cifar-10-batches-py" / "test_batch").write_bytes(b"")
    assert torch.equal(opened("cifar10", cifar10, "test").pixels(torch.arange(3), View("eval")), expected)

"""The catalogue: what a plan learns about data, quickly and without torch."""

import subprocess
import sys
import time

import pytest

from mae_core.data.catalogue import CIFAR10_MD5, KNOWN, describe
from mae_core.errors import DataError
from tests.mae_core.data.pictures import paint, paint_split

PROBE = """
import sys
from pathlib import Path
from mae_core.data.catalogue import describe
for data in sys.argv[2:]:
    describe(data, Path(sys.argv[1]))
print([name for name in ("torch", "torchvision", "timm", "numpy") if name in sys.modules])
"""


def test_describing_named_data_takes_milliseconds(home):
    def seconds(name):
        start = time.perf_counter()
        describe(name, home)
        return time.perf_counter() - start

    assert all(min(seconds(name) for _ in range(5)) < 0.02 for name in KNOWN)


def test_describing_loads_neither_torch_nor_arrays(tmp_path, home):
    folder = paint_split(tmp_path / "pets")
    command = [sys.executable, "-c", PROBE, str(home), *KNOWN, str(folder)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_fashion_mnist_is_described_before_it_is_there(tmp_path, home):
    there, absent = describe("fashion_mnist", home), describe("fashion_mnist", tmp_path)
    assert there.available
    assert not absent.available
    assert (there.fingerprint, there.num_train) == (absent.fingerprint, absent.num_train) == (there.fingerprint, 60_000)


def test_cifar10_is_known_by_the_sums_torchvision_checks():
    from torchvision.datasets import CIFAR10

    assert [list(pair) for pair in CIFAR10_MD5.items()] == CIFAR10.train_list + CIFAR10.test_list


def test_cifar10_is_available_once_its_batches_are_there(tmp_path):
    batches = tmp_path / "data" / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    for name in CIFAR10_MD5:
        assert not describe("cifar10", tmp_path).available
        (batches / name).touch()
    assert describe("cifar10", tmp_path).available


def test_absent_imagenet_has_its_published_counts(tmp_path):
    found = describe("imagenet1k", tmp_path)
    assert (found.num_train, found.num_test, found.num_classes) == (1_281_167, 50_000, 1000)
    assert (found.fingerprint, found.available) == ("imagenet1k:absent", False)


@pytest.mark.parametrize("named", [True, False], ids=["by MAE_IMAGENET", "in the home"])
def test_imagenet_is_looked_for_where_it_may_be(tmp_path, monkeypatch, named):
    folder = tmp_path / "elsewhere" if named else tmp_path / "data" / "imagenet1k"
    paint_split(folder)
    if named:
        monkeypatch.setenv("MAE_IMAGENET", str(folder))
    found = describe("imagenet1k", tmp_path)
    assert (found.name, found.data, found.available, found.num_train) == ("imagenet1k", "imagenet1k", True, 8)
    assert found.fingerprint == describe(str(folder), tmp_path).fingerprint


def test_a_folder_is_described_by_its_absolute_path(tmp_path, monkeypatch):
    paint_split(tmp_path / "my pets")
    monkeypatch.chdir(tmp_path)
    found = describe("my pets", tmp_path / "home")
    assert (found.name, found.data) == ("my_pets", str(tmp_path / "my pets"))
    assert (found.num_classes, found.num_train, found.num_test, found.labelled) == (2, 8, 4, True)


def test_one_folder_of_images_is_unlabelled(tmp_path):
    for index in range(20):
        paint(tmp_path / f"{index}.png")
    found = describe(str(tmp_path), tmp_path / "home")
    assert (found.num_classes, found.labelled, found.num_train, found.num_test) == (0, False, 18, 2)


def test_a_misspelt_name_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(DataError, match=r"did you mean fashion_mnist\?.*cifar10, digits, imagenet1k.*train/CLASS"):
        describe("fashion-mnist", tmp_path)

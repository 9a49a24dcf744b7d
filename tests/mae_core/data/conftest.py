"""A Fashion-MNIST of a few images, with checksums to match, for everything that does not depend on the real one."""

import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from mae_core.data import fashion_mnist


def idx(array: np.ndarray) -> bytes:
    """A gzipped idx file of bytes, as the data set's authors describe the format."""
    sizes = np.array(array.shape, ">u4").tobytes()
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes(), mtime=0)


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four small files of the real names, which pass for the published ones during the test."""
    folder = tmp_path / "few"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for stem, n in (("train", 12), ("t10k", 5)):
        images = draw.integers(0, 256, (n, 28, 28), np.uint8)
        for part, array in (("images-idx3", images), ("labels-idx1", draw.integers(0, 10, n, np.uint8))):
            path = folder / f"{stem}-{part}-ubyte.gz"
            path.write_bytes(idx(array))
            monkeypatch.setitem(fashion_mnist.SHA256, path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    return folder


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Debian's package, without apt-get and without a network."""
    from torchvision.datasets import FashionMNIST

    monkeypatch.setattr(fashion_mnist, "INSTALLED", tmp_path / "not-installed")
    monkeypatch.setattr(FashionMNIST, "mirrors", [])
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))


@pytest.fixture
def copying(few: Path):
    """A source that copies the few files, and notes which were asked for."""

    def source(folder, names):
        source.asked.append(sorted(names))
        for name in names:
            shutil.copyfile(few / name, folder / name)

    source.asked = []
    return source

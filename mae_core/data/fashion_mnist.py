"""Fashion-MNIST (Xiao et al. 2017): its four files from wherever they can be had, checked, and decoded once."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock

from mae_core.data.catalogue import FASHION_MNIST_SHA256 as SHA256
from mae_core.data.placement import is_checked, origin_of, placing, remember_checked
from mae_core.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

PACKAGE = "dataset-fashion-mnist"
INSTALLED = Path("/usr/share/datasets/fashion-mnist")  # where that package keeps the files
SECONDS_WITHOUT_A_BYTE = 10.0
SECONDS_FOR_APT = 300.0

Source = Callable[[Path, Sequence[str]], None]  # puts the named files into a folder, or raises


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_genuine(path: Path) -> bool:
    return path.is_file() and _digest(path) == SHA256[path.name]


def from_installed_package(folder: Path, names: Sequence[str]) -> None:
    """Copy the files that Debian's package, where it is installed, keeps on this machine."""
    for name in names:
        shutil.copyfile(INSTALLED / name, folder / name)


def from_mirrors(folder: Path, names: Sequence[str]) -> None:
    """Download the files from the first of torchvision's mirrors that has them whole."""
    from torchvision.datasets import FashionMNIST  # here, because it loads torch for seconds

    for mirror in FashionMNIST.mirrors:
        try:
            for name in names:
                reply = urllib.request.urlopen(mirror + name, timeout=SECONDS_WITHOUT_A_BYTE)
                with reply, (folder / name).open("wb") as file:
                    shutil.copyfileobj(reply, file)
                _refuse_damage(folder / name)
        except OSError:
            continue
        return
    raise OSError("no mirror of torchvision answered with whole files")


def _refuse_damage(path: Path) -> None:
    if not _is_genuine(path):
        raise OSError(f"{path.name} has another SHA-256")


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=SECONDS_FOR_APT,
    )


def from_apt(folder: Path, names: Sequence[str]) -> None:
    """Download Debian's package as an ordinary user, with lists and cache of its own, and unpack without installing."""
    lists, cache, unpacked = folder / "lists", folder / "cache", folder / "unpacked"
    for made in (lists / "partial", cache / "archives" / "partial", unpacked):
        made.mkdir(parents=True)
    # root would fetch as the user _apt, who may not enter a private folder
    own = [f"-oDir::State::Lists={lists}", f"-oDir::Cache={cache}", "-oAPT::Sandbox::User=root"]
    _run(["apt-get", *own, "update"], folder)
    _run(["apt-get", *own, "download", PACKAGE], folder)
    for package in folder.glob(f"{PACKAGE}*.deb"):
        _run(["dpkg-deb", "-x", str(package), str(unpacked)], folder)
    from_there = unpacked / INSTALLED.relative_to("/")
    for name in names:
        (from_there / name).replace(folder / name)


SOURCES: tuple[tuple[str, Source], ...] = (
    (f"Debian's installed package {PACKAGE}", from_installed_package),
    ("torchvision's mirrors", from_mirrors),
    (f"apt-get download {PACKAGE}", from_apt),
)


def _fetch(folder: Path, names: Sequence[str], sources: Sequence[tuple[str, Source]]) -> str:
    """Place `names` into `folder` from the first source that has them whole; returns that source's name."""
    for origin, source in sources:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as temporary:
            fetched = Path(temporary)
            try:
                source(fetched, names)
                for name in names:
                    _refuse_damage(fetched / name)
            except (OSError, subprocess.SubprocessError):
                continue
            for name in names:
                (fetched / name).replace(folder / name)
        return origin
    raise DataError(
        f"Fashion-MNIST could not be had: put its four .gz files into {folder}, or install Debian's package {PACKAGE}, "
        f"or give this machine access to torchvision's mirrors or to Debian's for apt-get, then repeat the command."
    )


def _decode(folder: Path, name: str) -> None:
    """Write the array in an idx file as .npy, which a worker maps into memory instead of unpacking it."""
    import numpy as np  # here, because the commands that only look should not wait for it

    content = gzip.decompress((folder / name).read_bytes())
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", count=content[3], offset=4))
    with placing(folder / _decoded(name)) as temporary:
        np.save(temporary, np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape))


def _decoded(name: str) -> str:
    return name.replace("-ubyte.gz", ".npy")


def obtain(home: Path, sources: Sequence[tuple[str, Source]] = SOURCES) -> Path:
    """The folder with the four files, fetched if need be: in place, else from the first of `sources` that has them.

    SHA-256 is checked whenever files are placed or have changed; otherwise sizes and times are enough. Safe to call
    from many processes at once.

    Raises:
        DataError: no source has the files.
    """
    folder = home.absolute() / "data" / "fashion_mnist"  # apt-get runs elsewhere
    if is_checked(folder):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not is_checked(folder):
            wanted = [name for name in SHA256 if not _is_genuine(folder / name)]
            origin = _fetch(folder, wanted, sources) if wanted else origin_of(folder) or "files already in place"
            for name in SHA256:
                _decode(folder, name)
            remember_checked(folder, [*SHA256, *map(_decoded, SHA256)], origin)
    return folder


def arrays(home: Path, split: Literal["train", "test"]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Images (n, 1, 28, 28) and labels (n,), mapped into memory; a process's writes stay its own."""
    import numpy as np  # here, for the same reason

    folder = obtain(home)
    stem = {"train": "train", "test": "t10k"}[split]
    images, labels = (np.load(folder / f"{stem}-{part}.npy", mmap_mode="c") for part in ("images-idx3", "labels-idx1"))
    return images[:, None], labels

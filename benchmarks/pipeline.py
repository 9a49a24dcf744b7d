"""The input pipeline, images per second and core, against torchvision's ImageFolder and PIL transforms."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from benchmarks.equipment.duel import duel
from benchmarks.equipment.result import Line
from mae_core.data.catalogue import describe
from mae_core.data.images import open_images
from mae_core.data.transforms.views import View

IMAGES, SIDES = 128, ((375, 500), (500, 375), (333, 500), (480, 640))  # ImageNet's usual sizes
ROUNDS = 5


def lines() -> Iterator[Line]:
    """Random crops to 224 px and flips of a batch, one thread each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        root, home = Path(folder, "images"), Path(folder, "home")
        _draw(root)
        info = describe(str(root), home)
        images = open_images(str(root), home, "train", (224, 224), 3, info.fingerprint, memory_limit=0)
        theirs = ImageFolder(root / "train", _transforms())
        samples = torch.arange(IMAGES)
        epoch = iter(range(10**6))
        fought = duel(
            {
                "ours": lambda: images.batch(samples, View("random_crop", (0.2, 1.0), 0, next(epoch))),
                "torchvision": lambda: torch.stack([theirs[index][0] for index in range(IMAGES)]),
            },
            ROUNDS,
        )
    torch.set_num_threads(threads)
    yield Line(
        "input pipeline", "JPEG folder, one core", "ImageFolder with PIL", fought.ratio("ours", "torchvision"), goal=1.5
    )


def _transforms() -> v2.Compose:
    return v2.Compose(
        [
            v2.RandomResizedCrop(224, scale=(0.2, 1.0), interpolation=v2.InterpolationMode.BICUBIC),
            v2.RandomHorizontalFlip(),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )


def _draw(root: Path) -> None:
    """Smooth noise, so that the files are as large as photographs' are."""
    draws = np.random.default_rng(0)
    for split, count in (("train", IMAGES), ("val", 4)):
        for number in range(count):
            height, width = SIDES[number % len(SIDES)]
            coarse = draws.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
            path = root / split / f"class{number % 2}" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, quality=90)

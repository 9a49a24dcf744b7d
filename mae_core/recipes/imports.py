"""Encoders that others trained: where their weights come from, and what they expect to see."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any, ClassVar, Literal

from mae_core.declaration import added, recipe, unsigned
from mae_core.errors import DataError
from mae_core.recipes.encoders import EncoderRecipe
from mae_core.recipes.fields import Network, Positive, Whole

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of MAE, DINO and MoCo v3 alike


@recipe
class ImportRecipe(EncoderRecipe):
    """An encoder from a checkpoint file or by its name in timm; the shape is stated here and checked against it.

    What it is, is signed: a file by its content, a timm model by its name and, where stated, by what its weights must
    be. Where it lies and how it is written are not. No number is drawn, so all seeds share one import. `imported`
    makes one.
    """

    KIND: ClassVar[str] = "import"
    UNSCALED: ClassVar[frozenset[str]] = frozenset(
        {"image_size", "in_chans", "patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio"}
    )

    seed: Whole = unsigned(default=0)
    source: str = unsigned(default="")  # a file, or a folder as Hugging Face writes it
    sha256: str = ""  # of the source's content; of a model's weights, if they are to be held fixed
    model: str = ""  # instead of a file: timm's name with its tag, e.g. vit_base_patch16_224.dino
    format: Literal["auto", "official", "timm", "hf", "ours"] = unsigned(default="auto")
    mean: tuple[float, ...] | None = IMAGENET_MEAN  # of the pixels it was trained on, by channel; None: the data's
    std: tuple[Positive, ...] | None = IMAGENET_STD
    # beit: a ViT with a table of relative positions in each block instead of embeddings, and with layer scale
    network: Network = added(default="vit", as_before="vit")

    def check(self) -> None:
        """One origin, whose content is known, and constants for each channel."""
        super().check()
        origins = bool(self.source) + bool(self.model)
        if origins > 1 or (self.source and not self.sha256) or (self.sha256 and not origins):
            self.refuse("give either a source with the sha256 of its content, or a model; `imported` does it.")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) != self.in_chans:
                self.refuse(f"{name} has {len(values)} values for {self.in_chans} channels; None takes the data's own.")
        if (self.mean is None) != (self.std is None):
            self.refuse("give both mean and std, or None for both.")


def imported(source: str | Path, **settings: Any) -> ImportRecipe:
    """The recipe that imports `source`: a file, a Hugging Face folder, or the name of a timm model.

    `settings` are the encoder's shape and whatever else the recipe has. The content is read to sign it.

    Raises:
        DataError: there is no such file, and timm names have no such form.
    """
    path = Path(source).expanduser()
    if path.exists():
        return ImportRecipe(source=str(path.resolve()), sha256=content_sha256(path), **settings)
    if not may_be_a_model(str(source)):
        raise DataError(f"There is no file {source}; name a checkpoint, a Hugging Face folder, or a model of timm.")
    return ImportRecipe(model=str(source), **settings)


def may_be_a_model(source: str) -> bool:
    """Whether `source` has the form of timm's names and not that of a file's or folder's."""
    return "/" not in source and Path(source).suffix not in {".pth", ".pt", ".bin", ".safetensors", ".tar"}


def content_sha256(source: Path) -> str:
    """SHA-256 of a file, or of the weights and settings in a Hugging Face folder; large files are read once."""
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if path.suffix in {".safetensors", ".bin", ".json"})
        parts = "".join(f"{path.name} {content_sha256(path)}\n" for path in files)
        return hashlib.sha256(parts.encode()).hexdigest()
    stat = source.stat()
    return _file_sha256(source.resolve(), stat.st_size, stat.st_mtime_ns)


@functools.cache
def _file_sha256(path: Path, size: int, changed: int) -> str:
    """Remembered while size and time of change are the same: a plan asks for each row, seed and protocol."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Needs: files and data that some rows rest on and nobody can ship; a row runs once its own is put into the home.

Weights are looked for in the home's `weights/`, data in its `data/`, under the name that the row's state shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", "")  # the last: a folder as Hugging Face writes it


@dataclass(frozen=True)
class Weights:
    """A checkpoint `weights/NAME` in the home, with one of `SUFFIXES`; signed by its content, whoever made it."""

    name: str
    what: str  # "DINO, ViT-B/16"
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)  # of the encoder in it: its shape
    timm: str = ""  # the model whose weights timm would fetch for it

    @property
    def place(self) -> str:
        """Its path in the home, without a suffix."""
        return f"weights/{self.name}"

    def find(self, home: Path) -> Path | None:
        """Where it is, if it is there."""
        paths = (home / f"{self.place}{suffix}" for suffix in SUFFIXES)
        return next((path for path in paths if path.exists()), None)

    def __str__(self) -> str:
        fetched = f"python -m mae_core.convert {self.timm} HOME/{self.place}.safetensors --to ours"
        or_fetch = f", or fetch it by {fetched}" if self.timm else ""
        return f"{self.what}: put it into the home as {self.place}.safetensors, .pth or folder{or_fetch}"


@dataclass(frozen=True)
class Converted(Weights):
    """Weights of another kind than encoders', of use once a command has converted them."""

    command: str = ""

    def __str__(self) -> str:
        return f"{self.what}: convert it by {self.command} HOME/{self.place}.safetensors"


@dataclass(frozen=True)
class Folder:
    """An image folder `data/NAME` in the home."""

    name: str
    what: str  # "iNaturalist 2017"
    layout: str = "train/CLASS and val/CLASS"

    @property
    def place(self) -> str:
        """Its path in the home."""
        return f"data/{self.name}"

    def find(self, home: Path) -> Path | None:
        """Where it is, if it is there."""
        path = home / self.place
        return path if path.is_dir() else None

    def __str__(self) -> str:
        return f"{self.what}: put it into the home as {self.place}, a folder with {self.layout}"


@dataclass(frozen=True)
class Both:
    """Weights, and images to evaluate them on."""

    weights: Weights
    folder: Folder

    def __str__(self) -> str:
        return f"{self.weights}; and {self.folder}"


Need = Weights | Folder | Both


def parts(need: Need | str) -> tuple[str, ...]:
    """What `need` asks for, a sentence for each file or folder."""
    return (str(need.weights), str(need.folder)) if isinstance(need, Both) else (str(need),)


DALLE = Converted("dalle_encoder", "DALL-E's encoder", command="python -m mae_core.dalle convert encoder.pkl")

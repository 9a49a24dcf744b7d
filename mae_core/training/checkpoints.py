"""Checkpoints: whole or absent, with a checksum in the name, the previous generation kept."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mae_core.store.checkpoint_files import DIGITS, FOLDER, GENERATIONS, CheckpointFile, checkpoint_files, file_name
from mae_core.store.files import TEMPORARY, checksum, sync_folder


@dataclass(frozen=True)
class Checkpoint(CheckpointFile):
    """A checkpoint, to be loaded."""

    def load(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Its tensors by name, and the plain values saved beside them."""
        with safe_open(self.path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
            return tensors, json.loads(file.metadata()["values"])


def checkpoints(attempt: Path) -> list[Checkpoint]:
    """The checkpoints of an attempt, newest first."""
    return newest_first([attempt])


def newest_first(attempts: Iterable[Path]) -> list[Checkpoint]:
    """The checkpoints of several attempts, most advanced first."""
    return [Checkpoint(**vars(file)) for file in checkpoint_files(attempts)]


def save(
    attempt: Path, step: int, tensors: dict[str, torch.Tensor], values: dict[str, Any], journal_bytes: int
) -> Checkpoint:
    """Write a checkpoint taken after `step`, then drop all but the newest two of this attempt."""
    folder = attempt / FOLDER
    folder.mkdir(exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
    os.close(descriptor)
    aside = Path(name)
    try:
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, aside, {"values": json.dumps(values)})
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        sha = checksum(aside)[:DIGITS]
        path = folder / file_name(step, journal_bytes, sha)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    for old in checkpoints(attempt)[GENERATIONS:]:
        old.path.unlink(missing_ok=True)
    return Checkpoint(path, step, journal_bytes, sha)


def drop(attempt: Path) -> None:
    """Remove an attempt's checkpoints: a finished run needs its weights, not its optimiser's state."""
    shutil.rmtree(attempt / FOLDER, ignore_errors=True)

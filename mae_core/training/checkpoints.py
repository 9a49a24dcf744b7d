"""Checkpoints: whole or absent, with a checksum in the name, the previous generation kept.

A name reads `step-000000120-j4711-<sha256>.safetensors`: the step after which it was taken, the bytes of journal it
rests on, and the first 16 hex digits of its content's SHA-256. One rename makes all of that true at once.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mae_core.store.files import TEMPORARY, checksum, sync_folder

FOLDER = "checkpoints"
GENERATIONS = 2
_NAME = re.compile(r"step-(\d+)-j(\d+)-([0-9a-f]{16})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """One file that claims, by its name, to be a checkpoint."""

    path: Path
    step: int
    journal_bytes: int
    sha: str

    def whole(self) -> bool:
        """Whether the content is what the name says."""
        return checksum(self.path).startswith(self.sha)

    def load(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Its tensors by name, and the plain values saved beside them."""
        with safe_open(self.path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
            return tensors, json.loads(file.metadata()["values"])


def checkpoints(attempt: Path) -> list[Checkpoint]:
    """The checkpoints of an attempt, newest first."""
    found = []
    for path in (attempt / FOLDER).glob("step-*"):
        match = _NAME.fullmatch(path.name)
        if match:
            found.append(Checkpoint(path, int(match[1]), int(match[2]), match[3]))
    return sorted(found, key=lambda checkpoint: checkpoint.step, reverse=True)


def newest_first(attempts: Iterable[Path]) -> Iterator[Checkpoint]:
    """The checkpoints of several attempts, most advanced first."""
    found = [checkpoint for attempt in attempts for checkpoint in checkpoints(attempt)]
    yield from sorted(found, key=lambda checkpoint: checkpoint.step, reverse=True)


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
        sha = checksum(aside)[:16]
        path = folder / f"step-{step:09d}-j{journal_bytes}-{sha}.safetensors"
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

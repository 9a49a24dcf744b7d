"""Checkpoint files: what their names say, for whoever must know without loading one.

A name reads `step-000000120-j4711-<sha256>.safetensors`: the step after which it was taken, the bytes of journal it
rests on, and the first 16 hex digits of its content's SHA-256. One rename makes all of that true at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mae_core.store.files import checksum

FOLDER = "checkpoints"
GENERATIONS = 2  # kept of each attempt under way
DIGITS = 16  # hex digits of the checksum in a name
_NAME = re.compile(rf"step-(\d+)-j(\d+)-([0-9a-f]{{{DIGITS}}})\.safetensors")


@dataclass(frozen=True)
class CheckpointFile:
    """One file that claims, by its name, to be a checkpoint."""

    path: Path
    step: int
    journal_bytes: int
    sha: str

    @property
    def attempt(self) -> Path:
        """The folder of the attempt that took it."""
        return self.path.parent.parent

    def whole(self) -> bool:
        """Whether the content is what the name says; False where it cannot be read."""
        try:
            return checksum(self.path).startswith(self.sha)
        except OSError:
            return False


def file_name(step: int, journal_bytes: int, sha: str) -> str:
    """The name of a checkpoint after `step` that rests on so many bytes of journal."""
    return f"step-{step:09d}-j{journal_bytes}-{sha}.safetensors"


def checkpoint_files(attempts: Iterable[Path]) -> list[CheckpointFile]:
    """The checkpoints of the attempts, most advanced first."""
    found = []
    for attempt in attempts:
        for path in (attempt / FOLDER).glob("step-*"):
            match = _NAME.fullmatch(path.name)
            if match:
                found.append(CheckpointFile(path, int(match[1]), int(match[2]), match[3]))
    return sorted(found, key=lambda file: file.step, reverse=True)

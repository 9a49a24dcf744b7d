"""Labels: which numbers of which ablations a stage gives or prepares, as launches wrote them down in `HOME/plans`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mae_core.store.files import read_sealed, write_sealed

FOLDER = "plans"


@dataclass(frozen=True, order=True)
class Label:
    """One cell, and the scale and data it was launched at."""

    ablation: str
    case: str
    protocol: str
    seed: int
    scale: str
    data: str
    words: str  # the row as the paper names it
    cell: str


Labels = Mapping[str, tuple[Label, ...]]  # by the signature of the stage that gives the number


def write_labels(home: Path, ablation: str, scale: str, data: str, cells: Iterable[Mapping[str, Any]]) -> Path:
    """Write down what a launch of `ablation` asks for; a repeated launch finds its file there.

    Args:
        home: the home that holds the store.
        ablation: its name.
        scale: the scale's name.
        data: the data set's name or folder.
        cells: mappings with name, case, label, protocol, seed and the stage's signature.
    """
    content = {"ablation": ablation, "scale": scale, "data": data, "cells": [dict(cell) for cell in cells]}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    path = home / FOLDER / f"{ablation}-{digest}.json"
    if read_sealed(path) is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sealed(path, content)
    return path


def read_labels(home: Path) -> Labels:
    """The labels of all launches; a damaged file counts as absent."""
    found: dict[str, set[Label]] = {}
    for labels in labels_in(home).values():
        for label, signature in labels.items():
            found.setdefault(signature, set()).add(label)
    return {signature: tuple(sorted(labels)) for signature, labels in found.items()}


def labels_in(home: Path) -> dict[Path, dict[Label, str]]:
    """For each launch's file, its labels with the signatures of the stages that give their numbers."""
    return {path: _labels(read_sealed(path) or {"cells": []}) for path in sorted((home / FOLDER).glob("*.json"))}


def _labels(launch: Mapping[str, Any]) -> dict[Label, str]:
    return {
        Label(
            launch["ablation"],
            str(cell["case"]),
            cell["protocol"],
            cell["seed"],
            launch["scale"],
            launch["data"],
            cell["label"],
            cell["name"],
        ): cell["signature"]
        for cell in launch["cells"]
    }

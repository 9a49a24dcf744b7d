"""Launches: what was asked of the cluster, what stands in its way, and what is built when it is through."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mae_core.launch.slurm.rounds import submitting
from mae_core.launch.slurm.submitting.arrays import cluster_folder
from mae_core.store.files import read_sealed, write_sealed


@dataclass(frozen=True)
class ClusterLaunch:
    """One command's request."""

    name: str
    signatures: tuple[str, ...]  # parents before their children
    reports: tuple[tuple[str, ...], ...]  # the words of each command that is run when all stages have ended
    snapshot: str  # folder of the code
    settings: str  # the cluster.toml it was submitted by
    begun: float = 0.0  # when it was last asked for, in seconds since 1970

    @classmethod
    def of(
        cls, signatures: Iterable[str], reports: Iterable[Iterable[str]], snapshot: Path, settings: Path
    ) -> ClusterLaunch:
        """A launch, named by what it asks for, so that the same command means the same launch."""
        kept, commands = tuple(signatures), tuple(tuple(words) for words in reports)
        digest = hashlib.sha256(json.dumps([kept, commands]).encode()).hexdigest()[:12]
        return cls(digest, kept, commands, str(snapshot), str(settings))


class Launches:
    """The launches of a home, and the marks on its stages."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, cluster_folder(home) / "launches"
        self.marks = cluster_folder(home) / "marks"

    def begin(self, launch: ClusterLaunch) -> None:
        """Write a launch down as under way, and take the marks off its stages."""
        content = {
            "signatures": list(launch.signatures),
            "reports": [list(words) for words in launch.reports],
            "snapshot": launch.snapshot,
            "settings": launch.settings,
            "begun": time.time(),
        }
        with submitting(self.home):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_sealed(self.folder / f"{launch.name}.json", content)
            (self.folder / f"{launch.name}.over").unlink(missing_ok=True)
            self.unmark(launch.signatures)

    def all(self) -> list[ClusterLaunch]:
        """Every launch, by name."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            content = read_sealed(path)
            if content is not None:
                content["reports"] = tuple(tuple(words) for words in content["reports"])
                content["signatures"] = tuple(content["signatures"])
                found.append(ClusterLaunch(path.stem, **content))
        return found

    def under_way(self) -> list[ClusterLaunch]:
        """The launches that are not through."""
        return [launch for launch in self.all() if not (self.folder / f"{launch.name}.over").exists()]

    def end(self, launch: ClusterLaunch, said: str) -> None:
        """Note that a launch is through, unless it was asked for again since `launch` was read."""
        with submitting(self.home):
            if launch in self.all():
                (self.folder / f"{launch.name}.over").write_text(said)

    def mark(self, signature: str, state: str, reason: str) -> None:
        """Say that a stage is not to be submitted again: `cancelled` by a person, or `failed` without a record."""
        self.marks.mkdir(parents=True, exist_ok=True)
        write_sealed(self.marks / f"{signature}.json", {"state": state, "reason": reason})

    def unmark(self, signatures: Iterable[str]) -> None:
        """Take marks off."""
        if self.marks.is_dir():
            for signature in signatures:
                (self.marks / f"{signature}.json").unlink(missing_ok=True)

    def marked(self) -> dict[str, tuple[str, str]]:
        """State and reason of every marked stage."""
        found = {path.stem: read_sealed(path) for path in self.marks.glob("*.json")}
        return {signature: (mark["state"], mark["reason"]) for signature, mark in found.items() if mark}

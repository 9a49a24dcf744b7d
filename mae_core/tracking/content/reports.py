"""The reports: each goes with the run of its ablation's default row, so that the tracker has tables and figures too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from mae_core.store.run import Store
from mae_core.tracking.content.labels import Label, read_labels
from mae_core.tracking.destination import Destination
from mae_core.tracking.positions import Position, Positions

PLACE = "reports/by-scale"  # in the home
FACTS = "report.json"
PAGE = "report.html"
ARTEFACTS = "report"  # the folder of a run's artefacts that holds one folder for each ablation
SENT = {".csv", ".html", ".json", ".md", ".png", ".tex"}  # the page has the notebook and the figures as vectors


@dataclass(frozen=True)
class ReportItem:
    """A report as the home has it, and the run it goes with."""

    folder: Path
    ablation: str
    run: Position
    position: Position
    key: str  # of its position

    @property
    def files(self) -> list[Path]:
        """What is sent of it."""
        return sorted(path for path in self.folder.glob("*") if path.suffix in SENT)

    @property
    def place(self) -> str:
        """Its folder among the run's artefacts."""
        return f"{ARTEFACTS}/{self.ablation}"

    @cached_property
    def digest(self) -> str:
        """What tells this build of it from another; it reads no file."""
        told = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in self.files]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    @property
    def pending(self) -> bool:
        """Whether the destination lacks this build."""
        return (self.run.run_id, self.digest) != (self.position.run_id, self.position.told)


def report_items(destination: Destination) -> Iterator[ReportItem]:
    """The reports whose ablation has a run at the destination; one that is being replaced has its turn next time."""
    positions, launched = Positions(destination.folder), _launched(destination.home)
    store = Store(destination.home)
    for path in sorted((destination.home / PLACE).glob(f"*/*/{FACTS}")):
        try:
            facts = json.loads(path.read_bytes())
            what = facts["ablation"], facts["scale"], facts["data"]
            ours = partial(_on_data, str(facts.get("fingerprint", "")), store)
            run = _home_of(launched.get(what, []), str(facts["default"]), positions, ours)
            key = f"report-{path.parts[-3]}-{path.parts[-2]}"
            item = ReportItem(path.parent, str(what[0]), run, positions.of(key), key)
            known = bool(run.run_id and item.digest)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if known:
            yield item


def _launched(home: Path) -> dict[tuple[str, str, str], list[tuple[Label, str]]]:
    """(ablation, scale, data) → labels with the signatures of the stages that give their numbers."""
    found: dict[tuple[str, str, str], list[tuple[Label, str]]] = {}
    for signature, labels in read_labels(home).items():
        for label in labels:
            found.setdefault((label.ablation, label.scale, label.data), []).append((label, signature))
    return found


def _home_of(
    labels: list[tuple[Label, str]], default: str, positions: Positions, ours: Callable[[str], bool]
) -> Position:
    """The first run at the destination of the default row, else of any, that is `ours`."""
    ordered = sorted((label.case != default, label.seed, label.protocol, signature) for label, signature in labels)
    for *_, signature in ordered:
        position = positions.of(signature)
        if position.run_id and ours(signature):
            return position
    return Position()


def _on_data(fingerprint: str, store: Store, signature: str) -> bool:
    """Whether a run is on the data of that fingerprint, where both tell theirs: several data may have one name."""
    recipe = (store.run(signature).document or {}).get("recipe", {})
    return not fingerprint or recipe.get("fingerprint", fingerprint) == fingerprint

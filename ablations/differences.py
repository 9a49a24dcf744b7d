"""Differences: in which settings two stages differ, those of the stages they start from included."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mae_core.recipes import KINDS
from mae_core.store.run import Run

Document = Mapping[str, Any]
ABSENT = "not there yet"  # the value of a field that code of that time did not have


@dataclass(frozen=True)
class Difference:
    """One setting that is not the same; `pretrain.epochs` is one of the stage's parent."""

    setting: str
    asked: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.setting} {self.asked} instead of {self.found}"


def differences(asked: Document, found: Document) -> list[Difference]:
    """Where the stage that is asked for differs from the one that was found, both as their documents say."""
    ours, theirs = dict(_settings(asked)), dict(_settings(found))
    before = dict(_as_before(asked))
    names = [*ours, *(name for name in theirs if name not in ours)]
    pairs = ((name, ours.get(name, ABSENT), theirs.get(name, before.get(name, ABSENT))) for name in names)
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def nearest(asked: Document, runs: Iterable[Run]) -> tuple[Run, list[Difference]] | None:
    """The run of the same kind that differs in the fewest settings, of equals the first."""
    found = [(run, differences(asked, run.document)) for run in runs if run.document and _same_kind(asked, run)]
    return min(found, key=lambda pair: len(pair[1]), default=None)


def _same_kind(asked: Document, run: Run) -> bool:
    return bool((run.document or {}).get("kind") == asked["kind"] and run.signature != asked["signature"])


def _settings(document: Document, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """What decides the stage's signature, by name."""
    yield f"{prefix}version", document["version"]
    unsigned = {field.name for field in _fields(document) if not field.metadata.get("signed", True)}
    for name, value in document["recipe"].items():
        if name not in unsigned:
            yield f"{prefix}{name}", value
    for parent in document["parents"]:
        yield f"{prefix}starts from", parent["kind"]
        yield from _settings(parent, f"{prefix}{parent['kind']}.")


def _as_before(document: Document, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """The values that stand for "as before" of fields that joined later."""
    for field in _fields(document):
        if "as_before" in field.metadata:
            yield f"{prefix}{field.name}", field.metadata["as_before"]
    for parent in document["parents"]:
        yield from _as_before(parent, f"{prefix}{parent['kind']}.")


def _fields(document: Document) -> tuple[dataclasses.Field[Any], ...]:
    kind = KINDS.get(document["kind"])
    return dataclasses.fields(kind) if kind else ()

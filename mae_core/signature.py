"""Stages and their signatures: a stage is what it computes from, its signature is that made short.

The signature covers the resolved recipe, the parents' signatures, the data's fingerprint (a recipe field) and
the stage version. A default that changes later changes the signature of every row that leaned on it, so an old run
never answers for a new question; a field that joins later at its `as_before` value changes none.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from mae_core.errors import StoreError
from mae_core.recipes import KINDS, Recipe

DIGITS = 12  # significant digits of a float: 0.1 + 0.2 and 0.3 are one setting


def _plain(value: Any) -> Any:
    """`value` with one spelling per meaning, ready for JSON."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def resolved(recipe: Recipe) -> dict[str, Any]:
    """Every field of `recipe` that decides what is computed, with its value."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(recipe):
        value = _plain(getattr(recipe, field.name))
        if not field.metadata.get("signed", True):
            continue
        if "as_before" in field.metadata and value == _plain(field.metadata["as_before"]):
            continue
        values[field.name] = value
    return values


@dataclasses.dataclass(frozen=True)
class Stage:
    """One unit of work: a recipe and the stages whose results it starts from."""

    recipe: Recipe
    parents: tuple[Stage, ...] = ()

    @property
    def kind(self) -> str:
        """Which work: pretrain, finetune, linear_probe, …"""
        return self.recipe.KIND

    @cached_property
    def signature(self) -> str:
        """The stage's identity, e.g. `pretrain-5f0c…`: the kind and 16 hex digits of SHA-256."""
        identity = {
            "kind": self.kind,
            "version": self.recipe.version,
            "recipe": resolved(self.recipe),
            "parents": [parent.signature for parent in self.parents],
        }
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return f"{self.kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def with_parents(self) -> Iterator[Stage]:
        """This stage after everything it rests on; what several rest on comes once for each."""
        for parent in self.parents:
            yield from parent.with_parents()
        yield self

    def document(self) -> dict[str, Any]:
        """Everything needed to do this stage elsewhere, as plain JSON values; `from_document` inverts it."""
        return {
            "signature": self.signature,
            "kind": self.kind,
            "version": self.recipe.version,
            "recipe": {
                field.name: _plain(getattr(self.recipe, field.name)) for field in dataclasses.fields(self.recipe)
            },
            "parents": [parent.document() for parent in self.parents],
        }


def from_document(document: dict[str, Any]) -> Stage:
    """The stage that `document` describes.

    Raises StoreError where the code of today would compute something else under that name.
    """
    recipe_type = KINDS.get(document.get("kind", ""))
    if recipe_type is None:
        raise StoreError(f"{document.get('signature')} is a stage of unknown kind {document.get('kind')!r}.")
    stage = Stage(
        recipe_type(**document["recipe"]),
        tuple(from_document(parent) for parent in document["parents"]),
    )
    if stage.signature != document["signature"]:
        raise StoreError(
            f"{document['signature']} was planned by other code, which today would be {stage.signature}; "
            f"plan it again by repeating the command."
        )
    return stage

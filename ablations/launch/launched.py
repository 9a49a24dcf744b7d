"""What was launched: the runs behind names of ablations, rows and cells of the launches from a home."""

from __future__ import annotations

from collections.abc import Sequence

from mae_core.errors import UserError
from mae_core.store.run import Store
from mae_core.tracking.content.labels import Label, read_labels


def _meant(label: Label, name: str) -> bool:
    """Whether `name` is this cell, its ablation, its row, or the protocol of either."""
    wholes = (label.ablation, f"{label.ablation}:{label.case}")
    return name in ("all", label.cell, *wholes, *(f"{whole}/{label.protocol}" for whole in wholes))


def signatures_of(store: Store, names: Sequence[str]) -> list[str]:
    """The stages behind NAME, NAME:CASE, either with /PROTOCOL, a cell's name or all, parents before their children.

    Raises UserError for a name under which nothing was launched.
    """
    labels = read_labels(store.home)
    found: dict[str, None] = {}
    for name in names:
        mine = [signature for signature, several in labels.items() if any(_meant(label, name) for label in several)]
        if not mine:
            raise UserError(
                f"Nothing named {name!r} was launched from {store.home}; `python -m ablations.status` names it all."
            )
        for signature in sorted(mine):
            for ancestor in _ancestors(store, signature):
                found.setdefault(ancestor)
    return list(found)


def _ancestors(store: Store, signature: str) -> list[str]:
    """Parents first, then the stage itself."""
    document = store.run(signature).document or {}
    before = [one for parent in document.get("parents", ()) for one in _ancestors(store, parent["signature"])]
    return [*before, signature]

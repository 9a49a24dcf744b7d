"""Which results no longer answer what their cells ask, and which were computed by other code than today's.

python -m ablations.stale                          everything launched from this home
python -m ablations.stale mask_ratio --scale mini
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ablations.differences import differences
from ablations.launch.asked import asked, is_known
from ablations.spec.cells import Cell
from mae_core.arguments import Parser
from mae_core.errors import UserError
from mae_core.home import home_path
from mae_core.signature import from_document
from mae_core.store.provenance import code_version
from mae_core.store.run import Run, Store
from mae_core.tracking.content.labels import Label, read_labels

MOST = 4  # differences told one by one


@dataclass(frozen=True)
class Stale:
    """A finished run that no longer answers a cell that it once did."""

    label: Label
    run: Run
    why: str


def stale(store: Store, labels: Iterable[tuple[Label, str]]) -> Iterator[Stale]:
    """Those of the finished runs behind `labels`, given with their signatures, that answer an earlier question."""
    for label, signature in labels:
        run = store.run(signature)
        if run.finished is None or run.document is None:
            continue
        why = _changed(label, run, run.document, store)
        if why:
            yield Stale(label, run, why)


def _changed(label: Label, run: Run, document: Mapping[str, Any], store: Store) -> str:
    """What has changed since; empty where nothing has, or where today's run is finished too."""
    cells = _cells(label.ablation, label.scale, _data(document), store.home, label.seed + 1)
    cell = cells.get(label.cell) if cells is not None else None
    if cells is not None and (cell is None or cell.stage is None):
        return "the ablation has no such cell today"
    if cell is None or cell.stage is None:
        return _unreadable(document)
    if cell.stage.signature == run.signature or store.run(cell.stage.signature).finished is not None:
        return ""
    found = differences(cell.stage.document(), document)
    more = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
    return f"today it asks for {'; '.join(map(str, found[:MOST]))}{more}"


def _unreadable(document: Mapping[str, Any]) -> str:
    try:
        from_document(dict(document))
    except (UserError, TypeError) as error:
        return str(error)
    return ""


@lru_cache(maxsize=64)
def _cells(ablation: str, scale: str, data: str | None, home: Path, seeds: int) -> Mapping[str, Cell] | None:
    """What the ablation asks for today; None where this machine cannot tell."""
    if not is_known(ablation):
        return None
    try:
        return asked(ablation, scale, data, home, seeds)
    except UserError:  # a scale or a data folder of another machine
        return None


def _data(document: Mapping[str, Any]) -> str | None:
    """The data that the chain of stages was trained on."""
    for parent in document["parents"]:
        return _data(parent) or document["recipe"].get("data")
    found: str | None = document["recipe"].get("data")
    return found


def other_code(store: Store, signatures: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Finished runs by the (source digest, commit) that computed them, where that is not today's."""
    today, found = code_version()["source"], dict[tuple[str, str], list[str]]()
    for signature in dict.fromkeys(signatures):
        origin = (store.run(signature).record or {}).get("provenance", {}) if store.run(signature).finished else {}
        if origin.get("source", today) != today:
            found.setdefault((origin["source"], origin.get("commit", "unknown")), []).append(signature)
    return found


def _chosen(store: Store, arguments: argparse.Namespace) -> list[tuple[Label, str]]:
    """The labels asked for, with their signatures."""
    everything = [(label, signature) for signature, some in read_labels(store.home).items() for label in some]
    known = {label.ablation for label, _ in everything}
    for name in arguments.names:
        if name not in known:
            raise UserError(f"Nothing named {name!r} was launched from {store.home}.")
    return sorted(
        (label, signature)
        for label, signature in everything
        if (not arguments.names or label.ablation in arguments.names)
        and arguments.scale in (None, label.scale)
        and arguments.data in (None, label.data)
    )


def main(words: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = Parser(
        prog="python -m ablations.stale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="ablations; default: all that were launched")
    parser.add_argument("--scale", help="default: all")
    parser.add_argument("--data", help="a data set's name; default: all")
    parser.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
    arguments = parser.parse_args(words)
    try:
        store = Store(home_path(arguments.home))
        labels = _chosen(store, arguments)
        found = list(stale(store, labels))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    for one in found:
        print(f"stale: {one.label.cell} ({one.label.scale}, {one.label.data}), {one.run.signature}: {one.why}")
    for (source, commit), signatures in other_code(store, (signature for _, signature in labels)).items():
        print(
            f"other code: {len(signatures)} runs by commit {commit[:12]}, source {source}; their stage versions are as "
            f"they were, so they count: {', '.join(signatures[:MOST])}{' …' if len(signatures) > MOST else ''}"
        )
    print(f"{len(found)} of {len(labels)} cells are stale.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

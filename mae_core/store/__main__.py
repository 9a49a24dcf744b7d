"""Look after the store of a home.

python -m mae_core.store show                      every run: state, kind, cells, size, time; and what is no run
python -m mae_core.store verify                    check every checksum; exit status 1 if anything is damaged
python -m mae_core.store prune --dry-run           what need not be kept, and how much that is
python -m mae_core.store export BUNDLE [NAME ...]  results as a folder or a .tar.gz; NAME: an ablation
python -m mae_core.store import BUNDLE             bring them into this home
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mae_core.arguments import Parser
from mae_core.errors import StoreError, UserError
from mae_core.home import existing_home, home_folder
from mae_core.store import bundle
from mae_core.store.run import Store
from mae_core.store.space import disk_full
from mae_core.store.upkeep.damage import damages
from mae_core.store.upkeep.inventory import Entry, inventory, size, words
from mae_core.store.upkeep.retention import removals, remove
from mae_core.tracking.content.labels import Label, labels_in, read_labels

LINE = 200  # where there is no terminal


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m mae_core.store", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, does in (
        ("show", "list runs, and name what is no run"),
        ("verify", "check all checksums"),
        ("prune", "remove what need not be kept"),
        ("export", "write results to a bundle"),
        ("import", "bring a bundle into this home"),
    ):
        command = commands.add_parser(name, help=does)
        command.add_argument("--home", metavar="DIR", help="default: $MAE_HOME, else ./out")
        if name in ("export", "import"):
            command.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder, or a file named *.tar.gz")
        if name == "prune":
            command.add_argument("--dry-run", action="store_true", help="say what would go, and remove nothing")
        if name == "export":
            command.add_argument("names", nargs="*", metavar="NAME", help="an ablation; default: everything")
            command.add_argument("--scale", help="runs at this scale only; default: all")
            command.add_argument("--data", help="runs on these data only; default: all")
            command.add_argument("--weights", action="store_true", help="with the final weights")
    return parser.parse_args(given)


def _show(store: Store, _: argparse.Namespace) -> int:
    found, labels = inventory(store), _serving(store)
    table = Table("run", "state", "kind", "cells", "size", "seconds", box=None, pad_edge=False)
    for entry in found:
        if entry.finding == "run":
            table.add_row(*_line(entry, labels))
    console = Console() if sys.stdout.isatty() else Console(width=LINE)
    if table.rows:
        console.print(table)
    for entry in found:
        if entry.finding != "run":
            console.print(f"{entry.finding}: {entry.name} ({entry.note})", soft_wrap=True, markup=False)
    console.print(f"{len(table.rows)} runs in {store.folder}, {words(size(store.folder))}.", soft_wrap=True)
    return 0


def _line(entry: Entry, labels: Mapping[str, Sequence[Label]]) -> tuple[str, ...]:
    run, cells = entry.run, sorted({label.cell for label in labels.get(entry.path.name, ())})
    seconds = (run.record or {}).get("seconds")
    named = f"{cells[0]} +{len(cells) - 1}" if len(cells) > 1 else "".join(cells)
    kind = str((run.document or {}).get("kind"))
    return run.signature, run.status, kind, named, words(size(entry.path)), "" if seconds is None else f"{seconds:.0f}"


def _serving(store: Store) -> dict[str, list[Label]]:
    """For each run, the cells that it gives or prepares."""
    found: dict[str, list[Label]] = {}
    for signature, labels in read_labels(store.home).items():
        for name in (signature, *_ancestors(store.run(signature).document or {})):
            found.setdefault(name, []).extend(labels)
    return found


def _ancestors(document: Mapping[str, object]) -> Iterator[str]:
    parents = document.get("parents")
    for parent in parents if isinstance(parents, list) else ():
        yield parent["signature"]
        yield from _ancestors(parent)


def _verify(store: Store, _: argparse.Namespace) -> int:
    found = 0
    for damage in damages(store):
        found += 1
        print(f"{damage.path.relative_to(store.home)}: {damage.what}")
    print(f"{sum(entry.finding == 'run' for entry in inventory(store))} runs checked, {found or 'nothing'} damaged.")
    return int(found > 0)


def _prune(store: Store, arguments: argparse.Namespace) -> int:
    freed = 0
    for removal in removals(store):
        freed += removal.bytes
        print(f"{words(removal.bytes):>8}  {removal.path.relative_to(store.home)}: {removal.why}")
        if not arguments.dry_run:
            remove(removal)
    print(f"{words(freed)} {'would be freed' if arguments.dry_run else 'freed'}.")
    return 0


def _export(store: Store, arguments: argparse.Namespace) -> int:
    serving, plans = _serving(store), labels_in(store.home)
    unknown = set(arguments.names) - {label.ablation for labels in serving.values() for label in labels}
    if unknown:
        raise StoreError(f"Nothing named {sorted(unknown)[0]!r} was launched from {store.home}; leave the name out.")

    def wanted(label: Label) -> bool:
        named = not arguments.names or label.ablation in arguments.names
        return named and arguments.scale in (None, label.scale) and arguments.data in (None, label.data)

    everything = not (arguments.names or arguments.scale or arguments.data)
    runs = [entry.run for entry in inventory(store) if entry.finding == "run"]
    chosen = [run for run in runs if everything or any(map(wanted, serving.get(run.signature, ())))]
    files = [path for path, labels in plans.items() if any(map(wanted, labels))]
    count = bundle.export(store.home, arguments.bundle, chosen, files, weights=arguments.weights)
    print(f"{count} runs in {arguments.bundle}, {words(size(arguments.bundle))}.")
    return 0


def _import(store: Store, arguments: argparse.Namespace) -> int:
    with bundle.opened(arguments.bundle) as folder:
        merged = bundle.merge(folder, store.home)
    for name, why in merged.refused.items():
        print(f"{name} was not imported: {why}")
    print(f"{len(merged.added)} runs imported, {len(merged.there)} were there already.")
    return int(bool(merged.refused))


COMMANDS: Mapping[str, Callable[[Store, argparse.Namespace], int]] = {
    "show": _show,
    "verify": _verify,
    "prune": _prune,
    "export": _export,
    "import": _import,
}


def main(given: Sequence[str] | None = None) -> int:
    """The command; 0 done, 1 something is damaged, was not imported or found no space, 2 bad usage."""
    arguments = _arguments(given)
    try:
        home = home_folder(arguments.home) if arguments.command == "import" else existing_home(arguments.home)
        return COMMANDS[arguments.command](Store(home), arguments)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        if disk_full(error):
            print(f"disk: no space is left for {error.filename or home}; free some and repeat.", file=sys.stderr)
            return 1
        print(f"{error.filename or home} cannot be read or written ({error.strerror}).", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

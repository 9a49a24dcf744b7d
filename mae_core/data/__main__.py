"""Get data or look through it.

python -m mae_core.data fetch fashion_mnist [--home DIR]
python -m mae_core.data scan FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mae_core.arguments import Parser
from mae_core.data import fashion_mnist
from mae_core.data.folders.listing import list_folder
from mae_core.data.placement import origin_of
from mae_core.errors import UserError


def fetch(home: Path) -> int:
    """Get Fashion-MNIST and say where it came from."""
    folder = fashion_mnist.obtain(home)
    print(f"Fashion-MNIST is in {folder} (from {origin_of(folder)})")
    return 0


def scan(folder: Path) -> int:
    """Print every image that cannot be decoded; 1 if there are any."""
    from mae_core.data.folders import decoding  # here, because fetching needs no Pillow

    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}; name one with images.")
    listing = list_folder(folder)
    count = 0
    for path in decoding.scan(listing):
        print(path)
        count += 1
    print(f"{count} of {len(listing.train) + len(listing.test)} images cannot be decoded", file=sys.stderr)
    return 1 if count else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 and one sentence for anything the user can mend."""
    parser = Parser(prog="python -m mae_core.data", description="Get data, or look through it.")
    commands = parser.add_subparsers(dest="command", required=True)
    fetching = commands.add_parser("fetch", help="get a data set")
    fetching.add_argument("name", choices=["fashion_mnist"])
    fetching.add_argument("--home", type=Path, default=Path(os.environ.get("MAE_HOME") or "out"))
    scanning = commands.add_parser("scan", help="list the images of a folder that cannot be decoded")
    scanning.add_argument("folder", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        return fetch(chosen.home) if chosen.command == "fetch" else scan(chosen.folder)
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

"""Convert weights between formats.

python -m mae_core.convert IN OUT --to official|timm|hf|ours [--encoder-only] [--num-heads N] [--home DIR]

IN is a released-MAE checkpoint, a timm state dict, a Hugging Face folder, a weights file of ours, the signature of a
finished run in the home, or the name of a timm model, whose weights are fetched. OUT is a file, for hf a folder.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

from mae_core.arguments import Parser
from mae_core.errors import StoreError, UserError
from mae_core.recipes.imports import may_be_a_model

_SIGNATURE = re.compile(r"[a-z_]+-[0-9a-f]{16}")


def convert(
    source: Path | str, target: Path, form: str, *, encoder_only: bool = False, num_heads: int | None = None
) -> str:
    """Convert the file or folder `source`, or the timm model of that name, and return how to load what was written."""
    from mae_core.convert.named import fetch
    from mae_core.convert.reading import FORMATS, read  # torch: here, so that --help is quick
    from mae_core.convert.writing import write
    from mae_core.model.encoder import is_encoder

    chosen = next(known for known in FORMATS if known == form)
    if isinstance(source, Path) and source.exists() and target.exists() and target.samefile(source):
        raise UserError("IN and OUT are the same; name another OUT.")
    weights = read(source) if isinstance(source, Path) else fetch(source).weights
    if weights.network == "beit":
        raise UserError("A BEiT is only taken in; no other format is written for it.")
    if encoder_only:
        weights = replace(weights, tensors={n: t for n, t in weights.tensors.items() if is_encoder(n)})
    said = write(weights, weights.encoder(num_heads), target, chosen)
    return "\n".join([said, *weights.remarks])


def weights_of(source: str, home: str | None) -> Path | str:
    """The file that `source`, a path or the signature of a finished run, means; else a timm model's name as it is."""
    if Path(source).exists():
        return Path(source)
    if not _SIGNATURE.fullmatch(source):
        return source if may_be_a_model(source) else Path(source)
    from mae_core.home import home_folder
    from mae_core.stages.weights import WEIGHTS
    from mae_core.store.run import Store

    finished = Store(home_folder(home)).run(source).finished
    if finished is None:
        raise StoreError(f"{source} is not a finished run of this home; name another with --home.")
    return finished.folder / WEIGHTS


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 and one sentence for anything the user can mend."""
    parser = Parser(prog="python -m mae_core.convert", description="Convert weights between formats.")
    parser.add_argument(
        "source", metavar="IN", help="a checkpoint, a Hugging Face folder, a run's signature, a timm model"
    )
    parser.add_argument("target", metavar="OUT", type=Path, help="a file; for hf a folder")
    parser.add_argument("--to", required=True, choices=["official", "timm", "hf", "ours"])
    parser.add_argument("--encoder-only", action="store_true", help="leave decoder and head out")
    parser.add_argument("--num-heads", type=int, help="of the encoder, where the file does not say")
    parser.add_argument("--home", help="where a run's signature is looked up")
    chosen = parser.parse_args(arguments)
    try:
        source = weights_of(chosen.source, chosen.home)
        print(convert(source, chosen.target, chosen.to, encoder_only=chosen.encoder_only, num_heads=chosen.num_heads))
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Make DALL-E's encoder usable as a tokenizer.

python -m mae_core.dalle convert IN OUT

IN is OpenAI's encoder.pkl, which is read without running anything in it; OUT is a safetensors file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mae_core.arguments import Parser
from mae_core.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 and one sentence for anything the user can mend."""
    parser = Parser(prog="python -m mae_core.dalle", description="Make DALL-E's encoder usable as a tokenizer.")
    commands = parser.add_subparsers(dest="command", required=True)
    converting = commands.add_parser("convert", help="write the weights in OpenAI's pickled file as safetensors")
    converting.add_argument("source", metavar="IN", type=Path, help="OpenAI's encoder.pkl")
    converting.add_argument("target", metavar="OUT", type=Path, help="the safetensors file to write")
    chosen = parser.parse_args(arguments)

    from mae_core.convert.dalle import convert  # torch: here, so that --help is quick

    try:
        print(convert(chosen.source, chosen.target))
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure: `python -m benchmarks [NAME…] [--record]`, or `make benchmark`; each line is a ratio with its spread."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch

from benchmarks import growth, memory, packing, pipeline, probe, pruning, sharing, steps, tracker
from benchmarks.equipment.page import record
from benchmarks.equipment.result import Line
from mae_core.arguments import Parser
from mae_core.launch.local import MALLOC

BENCHMARKS: Mapping[str, Callable[[], Iterator[Line | str]]] = {
    "steps": steps.lines,
    "packing": packing.lines,
    "probe": probe.lines,
    "pipeline": pipeline.lines,
    "growth": growth.lines,
    "memory": memory.lines,
    "tracker": tracker.lines,
    "sharing": sharing.lines,
    "sharing-mini": sharing.mini,
    "pruning": pruning.lines,
    "pruning-mini": pruning.mini,
}
RIVALS = ("lightly", "transformers")
LONG = ("sharing-mini", "pruning", "pruning-mini")  # only when named


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmarks of those names, or all."""
    parser = Parser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *BENCHMARKS], help=", ".join(BENCHMARKS))
    parser.add_argument("--record", action="store_true", help="put what is found into docs/benchmarks.md")
    asked = parser.parse_args(words)
    torch.set_flush_denormal(True)  # as workers do, and for every contestant
    for name in asked.names or [name for name in BENCHMARKS if name not in LONG]:
        lines = []
        try:
            for line in BENCHMARKS[name]():
                print(line, flush=True)
                lines.append(line)
        except ModuleNotFoundError as missing:
            if (missing.name or "").split(".")[0] not in RIVALS:
                raise
            parser.exit(2, f"{missing.name} is not installed; `make benchmark` installs what is compared with.\n")
        if asked.record:
            record(name, lines)
    return 0


if __name__ == "__main__":
    if not MALLOC.keys() <= os.environ.keys():  # all contestants alike have the memory settings that workers run with
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks", *sys.argv[1:]], MALLOC | os.environ)
    sys.exit(main())

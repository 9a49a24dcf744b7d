"""Measure: `python -m benchmarks [NAME…]`, or `make benchmark`; each line is a ratio with its spread over rounds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping

from benchmarks import growth, memory, pipeline, probe, pruning, sharing, steps, tracker
from benchmarks.result import Line

BENCHMARKS: Mapping[str, Callable[[], Iterator[Line | str]]] = {
    "steps": steps.lines,
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
LONG = ("sharing-mini", "pruning", "pruning-mini")  # only when named


def main(names: list[str]) -> int:
    """Run the benchmarks of those names, or all."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}; choose one of {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    for name in names or [name for name in BENCHMARKS if name not in LONG]:
        for line in BENCHMARKS[name]():
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

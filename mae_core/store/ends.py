"""Ends: what others know of how an attempt's processes ended, where these could not write it down themselves.

Each stands in the attempt's folder, written once by whoever saw it: the process that started a rank, the job that was
told to stop, or a round of submission that read SLURM's accounting.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from mae_core.store.attempt import Attempt
from mae_core.store.files import read_sealed, write_sealed

How = Literal["memory", "hung", "node failed", "time limit", "preempted", "requeued", "crashed", "killed", "rank lost"]
ORDER: tuple[How, ...] = get_args(How)  # what says more of an attempt's end comes first
TAKEN: frozenset[How] = frozenset({"preempted", "requeued"})  # by others' wish: no failure, whatever was done by then


@dataclass(frozen=True)
class End:
    """How one process ended, or, as SLURM tells it, all of them."""

    how: How
    seen_by: str  # `rank-K`, or `slurm`
    node: str = ""
    job: str = ""
    time: float = field(default_factory=time.time)  # in seconds since 1970


def note(attempt: Path, end: End) -> None:
    """Write an end down, unless the same witness has told another before, or the disk is full: work goes on anyway."""
    path = attempt / f"end-{end.seen_by}.json"
    with contextlib.suppress(OSError):
        if not path.exists():
            write_sealed(path, asdict(end))


def ends_of(attempt: Path) -> list[End]:
    """What is known of the ends of an attempt's processes."""
    found = [read_sealed(path) for path in sorted(attempt.glob("end-*.json"))]
    return [End(**content) for content in found if content is not None]


def end_of(attempt: Path) -> How | None:
    """What says most of how an attempt ended; None where nobody saw it."""
    found = {end.how for end in ends_of(attempt)}
    return next((how for how in ORDER if how in found), None)


def counted(attempts: Iterable[Path]) -> dict[str, int]:
    """How many of `attempts` ended in each way that somebody saw."""
    return dict(Counter(how for attempt in attempts if (how := end_of(attempt)) is not None))


def shortages(attempts: Sequence[Path]) -> int:
    """How often memory ran out under a run's attempts, so that the system killed a process.

    A process that was killed for no known reason counts where the next was killed as well and came no further.
    """
    found, before = 0, None
    for folder in attempts:
        how, step = end_of(folder), Attempt(folder).progress.get("step", 0)
        again = how == "killed" and before is not None and step <= before
        found += how == "memory" or again
        before = step if how == "killed" and not again else None
    return found

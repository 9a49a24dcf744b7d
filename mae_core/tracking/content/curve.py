"""The curve: what of an attempt's journal is final, and the points it becomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mae_core.store.checkpoint_files import checkpoint_files

DIGITS = 16  # hex digits of a digest


class Point(NamedTuple):
    """One value of one metric, as MLflow stores it."""

    key: str
    step: int
    time: int  # milliseconds since the epoch
    value: float


def committed(attempt: Path) -> int:
    """How many bytes of its journal an attempt's newest checkpoint rests on; 0 before the first."""
    newest = checkpoint_files([attempt])[:1]
    return newest[0].journal_bytes if newest else 0


def points(row: dict[str, Any]) -> Iterator[Point]:
    """A journal row as points: every number but its step and time, at that step and time."""
    step, time = int(row.get("step", 0)), milliseconds(row.get("time", 0.0))
    for key, value in row.items():
        if key not in ("step", "time") and isinstance(value, int | float) and not isinstance(value, bool):
            yield Point(key, step, time, float(value))


def milliseconds(seconds: float) -> int:
    """Seconds since the epoch as MLflow counts them."""
    return round(seconds * 1000)


class Batch(NamedTuple):
    """The points of some rows in a row, and what is replayed once they are sent."""

    points: list[Point]
    rows: int  # from the first row of the journal on
    digest: str  # of those rows


def batches(rows: list[dict[str, Any]], done: int, size: int) -> Iterator[Batch]:
    """All rows after the first `done`, in batches that are complete once they hold `size` points."""
    summed, found = _sum(rows[:done]), list[Point]()
    for number, row in enumerate(rows[done:], start=done + 1):
        summed.update(_line(row))
        found += points(row)
        if len(found) >= size or number == len(rows):
            yield Batch(found, number, summed.hexdigest()[:DIGITS])
            found = []


def digest(rows: list[dict[str, Any]]) -> str:
    """What tells these rows, times included, from any others."""
    return _sum(rows).hexdigest()[:DIGITS]


def _sum(rows: list[dict[str, Any]]) -> hashlib._Hash:
    summed = hashlib.sha256()
    for row in rows:
        summed.update(_line(row))
    return summed


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"

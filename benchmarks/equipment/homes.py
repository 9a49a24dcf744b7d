"""Homes to measure in: empty ones that have the data, and runs that only look finished."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mae_core.data.fashion_mnist import obtain
from mae_core.home import home_folder
from mae_core.signature import Stage
from mae_core.store.attempt import FINISHED, OWNER, RECORD
from mae_core.store.files import write_sealed
from mae_core.store.journal import NAME, Journal
from mae_core.store.run import Store


@contextlib.contextmanager
def empty_home() -> Iterator[Path]:
    """A home without runs; its data are those of the usual home."""
    usual = home_folder(None)
    obtain(usual)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home = Path(folder)
        (home / "data").symlink_to(usual / "data", target_is_directory=True)
        yield home


def pretend(store: Store, stage: Stage, origin: Mapping[str, Any], points: int) -> None:
    """A finished run of `stage` that nothing was trained for, with a journal of `points` numbers."""
    folder = store.plan(stage).folder / "attempt-1"
    folder.mkdir()
    write_sealed(folder / OWNER, {"host": "benchmark", "taken": 1.0}, durable=False)
    journal = Journal(folder / NAME)
    for step in range(points // 2):
        journal.append({"step": step, "epoch": step / 8, "loss": 1 / (step + 1), "lr": 1e-3, "time": float(step)})
    journal.close()
    metrics = {"top1": 80.0 + stage.recipe.seed % 7, "loss": 0.5}
    record = {"state": "done", "metrics": metrics, "seconds": 1.0, "ended": 100.0, "provenance": origin}
    write_sealed(folder / RECORD, record, durable=False)
    (folder.parent / FINISHED).symlink_to(folder.name)

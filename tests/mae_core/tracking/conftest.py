"""A synthetic trainer that writes what training writes, and a reader of MLflow's tables that knows no MLflow."""

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mae_core.recipes import BASELINE, FINETUNE
from mae_core.signature import Stage
from mae_core.store.attempt import OWNER, RECORD, Attempt, finish, take
from mae_core.store.files import read_sealed, write_sealed
from mae_core.store.journal import NAME, Journal, prefix
from mae_core.store.run import Store

BEGAN = 1_700_000_000.0

Points = Counter[tuple[str, str, int, int, float]]  # signature, key, step, milliseconds, value


@dataclass
class Trainer:
    """Writes runs into a home, row by row and checkpoint by checkpoint, with a clock of its own."""

    home: Path
    clock: float = BEGAN
    journals: list[Journal] = field(default_factory=list)

    def start(self, stage: Stage, *, inherit: tuple[Attempt, int] | None = None) -> tuple[Attempt, Journal]:
        """The next attempt at `stage`, going on from so many bytes of another's journal."""
        run = Store(self.home).plan(stage)
        attempt = take(run.folder, len(run.attempts) + 1)
        assert attempt is not None
        inherited = prefix(inherit[0].folder / NAME, inherit[1]) if inherit else b""
        assert inherited is not None
        self.journals.append(Journal(attempt.folder / NAME, inherited=inherited))
        return attempt, self.journals[-1]

    def train(self, journal: Journal, steps: range, **more: float) -> None:
        """A row for each step."""
        for step in steps:
            self.clock += 0.25
            journal.append({"step": step, "epoch": step / 8, "loss": 1 / (step + 1), **more, "time": self.clock})

    def checkpoint(self, attempt: Attempt, journal: Journal, step: int) -> int:
        """A checkpoint that rests on the journal so far; its length."""
        length = journal.commit()
        (attempt.folder / "checkpoints").mkdir(exist_ok=True)
        (attempt.folder / "checkpoints" / f"step-{step:09d}-j{length}-{step:016x}.safetensors").touch()
        return length

    def end(self, attempt: Attempt, journal: Journal, state: str = "done", **metrics: float) -> None:
        """Record how the attempt ended, and finish the run where it is done."""
        self.clock += 0.25
        journal.close()
        record = {"state": state, "metrics": metrics, "ended": self.clock, "provenance": {"commit": "c0ffee"}}
        write_sealed(attempt.folder / RECORD, record)
        if state == "done":
            finish(attempt)

    def die(self, attempt: Attempt, journal: Journal) -> None:
        """The owner's process is gone."""
        journal.close()
        owner = read_sealed(attempt.folder / OWNER) or {}
        write_sealed(attempt.folder / OWNER, {**owner, "started": owner["started"] - 1000})

    def run(self, stage: Stage, rows: int = 4, **metrics: float) -> Attempt:
        """A whole run, finished at the first attempt."""
        attempt, journal = self.start(stage)
        self.train(journal, range(rows))
        self.end(attempt, journal, **metrics)
        return attempt

    def runs(self, count: int, rows: int = 17, first: int = 0) -> None:
        """Many finished runs, each third a pre-training with two evaluations; `first` is the first one's seed."""
        for seed in range(first, first + count, 3):
            pretrain = Stage(replace(BASELINE, seed=seed))
            for stage in (pretrain, *(Stage(replace(FINETUNE, seed=number), (pretrain,)) for number in (0, 1))):
                self.run(stage, rows, top1=70 + seed / 7)


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[Trainer]:
    trainer = Trainer(tmp_path)
    yield trainer
    for journal in trainer.journals:
        journal.close()


def journalled(home: Path) -> Points:
    """The points that the journals of the attempts that count hold, read as plain JSON."""
    found: Points = Counter()
    for run in Store(home).runs():
        attempt = run.finished or run.attempts[-1]
        for line in (attempt.folder / NAME).read_text().splitlines():
            row = json.loads(line)
            at = row["step"], round(row["time"] * 1000)
            found.update((run.signature, key, *at, value) for key, value in row.items() if key in ("epoch", "loss"))
    return found


@dataclass
class Tables:
    """What an MLflow database holds of runs that are not deleted."""

    database: Path

    def closed(self) -> Path:
        """The file, once MLflow in this process has let go of it, as a writer that has ended does."""
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        SqlAlchemyStore._get_or_create_engine(f"sqlite:///{self.database}").dispose()
        return self.database

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def points(self, *keys: str) -> Points:
        """The points of the keys, else of those the trainer writes."""
        query = """
            SELECT tags.value, metrics.key, step, timestamp, metrics.value FROM metrics
            JOIN runs USING (run_uuid) JOIN tags USING (run_uuid)
            WHERE lifecycle_stage = 'active' AND tags.key = 'mae.signature'
        """
        return Counter(row for row in self.rows(query) if row[1] in (keys or ("epoch", "loss")))

    def of(self, table: str, signature: str) -> dict[str, str]:
        """The tags or params of the one run that has the signature."""
        query = f"""
            SELECT {table}.key, {table}.value FROM {table} JOIN runs USING (run_uuid) JOIN tags AS name USING (run_uuid)
            WHERE lifecycle_stage = 'active' AND name.key = 'mae.signature' AND name.value = '{signature}'
        """
        found = self.rows(query)
        assert len(found) == len(dict(found))
        return dict(found)

    def run(self, signature: str) -> tuple[str, str, int, int | None]:
        """The id, status, start and end of the one run that has the signature."""
        query = f"""
            SELECT run_uuid, status, start_time, end_time FROM runs JOIN tags USING (run_uuid)
            WHERE lifecycle_stage = 'active' AND tags.key = 'mae.signature' AND tags.value = '{signature}'
        """
        (found,) = self.rows(query)
        return found

    def names(self) -> list[str]:
        """The names of all runs, sorted."""
        return [name for (name,) in self.rows("SELECT name FROM runs WHERE lifecycle_stage = 'active' ORDER BY name")]


@pytest.fixture
def tables(tmp_path: Path, empty_database: Path) -> Tables:
    """The home's own database, there from the start, as making it is the slowest part of a test."""
    return Tables(Path(shutil.copy(empty_database, tmp_path / "mlflow.db")))


@pytest.fixture
def tables_of() -> Callable[[Path], Tables]:
    """Reads the database that a home has made by now."""
    return lambda home: Tables(home / "mlflow.db")


@pytest.fixture
def sync(tmp_path: Path) -> Callable[[], None]:
    """Brings MLflow up to date with the home, and says so if it could not."""
    from mae_core.tracking.synchronise import synchronise

    def synchronised() -> None:
        assert synchronise(tmp_path).failure == ""

    return synchronised


@pytest.fixture
def journal_points(tmp_path: Path) -> Callable[[], Points]:
    return lambda: journalled(tmp_path)

"""The database: a SQLite file made and migrated aside, then put in place in one step. Part of the writer's process."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import mlflow.db
import mlflow.store
from alembic.script import ScriptDirectory
from filelock import FileLock

from mae_core.store.files import TEMPORARY, sync_folder

LOCK_SECONDS = 120.0
BUSY_SECONDS = 5.0  # a reader in MLflow's page is done sooner


def prepare(database: Path, *, migrate: bool) -> None:
    """Have `database` there with all its tables, whoever else is about to make it.

    Args:
        database: the file.
        migrate: whether one of an older MLflow, or one whose maker was killed, is ours to bring up to date.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_name(f".{database.name}.lock"), timeout=LOCK_SECONDS):
        for left in database.parent.glob(f"{TEMPORARY}{database.name}-*"):
            shutil.rmtree(left, ignore_errors=True)
        if not database.exists() or not database.stat().st_size:
            _make(database)
        elif migrate and _revision(database) != _newest():
            if _has_runs(database):
                _migrate(database)
            else:
                _make(database)


def _make(database: Path) -> None:
    with _aside(database) as folder:
        fresh = Path(folder) / database.name
        _upgrade(fresh)
        if _revision(database) != _newest():  # unless somebody else's has appeared
            for ending in ("-journal", "-wal", "-shm"):  # of a killed maker; SQLite would apply them to the new file
                database.with_name(database.name + ending).unlink(missing_ok=True)
            fresh.replace(database)
    sync_folder(database.parent)


def _migrate(database: Path) -> None:
    """Migrate a copy and put it in place; the old file is kept beside it, under its revision."""
    before = database.with_name(f"{database.name}.{_revision(database)}")
    with (
        _aside(database) as folder,
        closing(sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)) as old,
    ):
        copy = Path(folder) / database.name
        old.execute("PRAGMA journal_mode=DELETE")  # fails while anybody has it open; leaves no second file behind
        with closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        _upgrade(copy)
        before.unlink(missing_ok=True)
        os.link(database, before)
        copy.replace(database)
    sync_folder(database.parent)


def _aside(database: Path) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}{database.name}-", dir=database.parent)


def _upgrade(database: Path) -> None:
    """`mlflow db upgrade`: make what is absent, migrate what is there. Then let readers and the writer work at once."""
    mlflow.db.upgrade.main([f"sqlite:///{database}"], standalone_mode=False)
    gc.collect()  # the engine it leaves has the file open
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _revision(database: Path) -> str:
    """The schema's revision; empty where there is none yet."""
    found = _first(database, "SELECT version_num FROM alembic_version")
    return str(found or "")


def _has_runs(database: Path) -> bool:
    return _first(database, "SELECT 1 FROM runs LIMIT 1") is not None


def _first(database: Path, query: str) -> object:
    """The first value of a query; None where there is no row, no table or no file."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS)) as connection:
        try:
            found = connection.execute(query).fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:  # no such table; a busy file, say, is not an empty one
                raise
            return None
    return found[0] if found else None


@functools.cache
def _newest() -> str | None:
    """The revision that this MLflow works with."""
    migrations = Path(next(iter(mlflow.store.__path__))) / "db_migrations"
    return ScriptDirectory(str(migrations)).get_current_head()

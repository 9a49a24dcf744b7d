"""The database: a SQLite file made and migrated aside, then put in place in one step. Part of the writer's process."""

from __future__ import annotations

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


def prepare(database: Path, *, migrate: bool) -> None:
    """Have `database` there with all its tables, whoever else is about to make it; `migrate` one of an older MLflow."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_name(f".{database.name}.lock"), timeout=LOCK_SECONDS):
        for left in database.parent.glob(f"{TEMPORARY}{database.name}-*"):
            shutil.rmtree(left, ignore_errors=True)
        if not database.exists():
            _make(database)
        elif migrate and _is_older(database):
            _migrate(database)


def _make(database: Path) -> None:
    with _aside(database) as folder:
        fresh = Path(folder) / database.name
        _upgrade(fresh)
        try:
            os.link(fresh, database)  # unlike a rename it fails where somebody else's has appeared
        except FileExistsError:
            return
    sync_folder(database.parent)


def _migrate(database: Path) -> None:
    """Migrate a copy and put it in place; the old file is kept beside it."""
    before = database.with_name(f"{database.name}.{_revision(database)}")
    with _aside(database) as folder, closing(sqlite3.connect(database, timeout=1, isolation_level=None)) as old:
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
    with closing(sqlite3.connect(database)) as connection:
        try:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:  # no such table
            return ""
    return str(found[0]) if found else ""


def _is_older(database: Path) -> bool:
    """Whether it has a revision, and not the newest one of this MLflow."""
    scripts = ScriptDirectory(str(Path(next(iter(mlflow.store.__path__))) / "db_migrations"))
    return _revision(database) not in ("", scripts.get_current_head())

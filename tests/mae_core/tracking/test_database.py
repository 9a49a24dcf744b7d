"""The database: made whole or not at all, migrated on a copy, never replaced where it may hold runs."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mae_core.tracking import database as subject
from mae_core.tracking.database import prepare

# MLflow's migrations use what SQLAlchemy 2.1 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def first(database: Path, query: str) -> object:
    with closing(sqlite3.connect(database)) as connection, connection:
        found = connection.execute(query).fetchone()
        return found[0] if found else None


def revision(database: Path) -> object:
    return first(database, "SELECT version_num FROM alembic_version")


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables as MLflow had them one revision ago, without a run."""
    import mlflow.store
    import sqlalchemy
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from mlflow.store.tracking.dbmodels.initial_models import Base

    path = tmp_path_factory.mktemp("older") / "mlflow.db"
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", poolclass=sqlalchemy.NullPool)
    Base.metadata.create_all(engine)
    config = Config()
    config.set_main_option("script_location", str(Path(next(iter(mlflow.store.__path__))) / "db_migrations"))
    scripts = ScriptDirectory.from_config(config)
    before = scripts.get_revision(scripts.get_current_head()).down_revision
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, before)
    return path


@pytest.fixture
def outdated(older: Path, tmp_path: Path) -> Path:
    """A database of an older MLflow that holds a run."""
    path = Path(shutil.copy(older, tmp_path / "mlflow.db"))
    first(path, "INSERT INTO runs (run_uuid) VALUES ('kept')")
    first(path, "PRAGMA journal_mode=WAL")
    return path


@pytest.fixture
def reader(outdated: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who has the outdated database open."""
    with closing(sqlite3.connect(outdated)) as connection:
        connection.execute("BEGIN").execute("SELECT * FROM runs").fetchall()
        yield connection


def test_a_new_database_lets_readers_and_the_writer_work_at_once(empty_database: Path) -> None:
    assert first(empty_database, "PRAGMA journal_mode") == "wal"


def test_an_older_database_is_migrated_with_its_runs(outdated: Path, empty_database: Path) -> None:
    prepare(outdated, migrate=True)
    assert revision(outdated) == revision(empty_database)
    assert first(outdated, "SELECT run_uuid FROM runs") == "kept"


def test_the_file_before_a_migration_is_kept_beside_it(outdated: Path) -> None:
    before = revision(outdated)
    prepare(outdated, migrate=True)
    kept = outdated.with_name(f"mlflow.db.{before}")
    assert (revision(kept), first(kept, "SELECT run_uuid FROM runs")) == (before, "kept")


def test_a_database_that_is_not_ours_is_not_migrated(outdated: Path) -> None:
    before = revision(outdated)
    prepare(outdated, migrate=False)
    assert revision(outdated) == before


def test_a_database_in_use_is_not_migrated(
    outdated: Path, reader: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "BUSY_SECONDS", 0.1)
    before = revision(outdated)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        prepare(outdated, migrate=True)
    assert revision(outdated) == before


def test_a_busy_database_is_not_taken_for_an_empty_one(outdated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "BUSY_SECONDS", 0.1)
    first(outdated, "PRAGMA journal_mode=DELETE")
    with closing(sqlite3.connect(outdated, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            prepare(outdated, migrate=True)
    assert first(outdated, "SELECT run_uuid FROM runs") == "kept"


def test_a_half_made_database_is_made_anew(older: Path, empty_database: Path, tmp_path: Path) -> None:
    database = Path(shutil.copy(older, tmp_path / "mlflow.db"))
    first(database, "DROP TABLE tags")
    prepare(database, migrate=True)
    assert revision(database) == revision(empty_database)
    assert first(database, "SELECT count(*) FROM tags") == 0


def test_what_a_killed_maker_left_is_gone_after_the_next(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    database.touch()
    (tmp_path / ".partial-mlflow.db-1").mkdir()
    prepare(database, migrate=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mlflow.db.lock", "mlflow.db"]


def test_what_a_deleted_database_left_does_not_reach_the_new_one(empty_database: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "mlflow.db"
    shutil.copy(empty_database, old)
    with closing(sqlite3.connect(old, isolation_level=None)) as writer:
        writer.execute("INSERT INTO runs (run_uuid) VALUES ('gone')")
        shutil.copy(f"{old}-wal", f"{new}-wal")
    prepare(new, migrate=False)
    assert first(new, "SELECT count(*) FROM runs") == 0
    assert first(new, "PRAGMA integrity_check") == "ok"


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    database.write_text("a letter, longer than the hundred bytes of a header\n" * 9)
    with pytest.raises(sqlite3.DatabaseError):
        prepare(database, migrate=True)
    assert database.read_text().startswith("a letter")

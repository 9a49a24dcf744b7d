"""What every test starts from: one thread, an environment without a home, a tracker or a scheduler, and shared data."""

import os
import shutil
import signal
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
PLACED = Path(os.environ.get("MAE_HOME") or ROOT / "out") / "data" / "fashion_mnist"  # where `make setup` puts it

# a shell without a terminal starts what runs in the background deaf to Ctrl-C, and all its children
signal.signal(signal.SIGINT, signal.default_int_handler)

# read when torch, NumPy, MLflow or a hub client is first imported, by a test or by a process that it starts
os.environ.update(
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    HF_HUB_OFFLINE="1",
    MLFLOW_DISABLE_TELEMETRY="true",
)

# how long an example takes is the machine's affair, and the same tree gives the same answer twice
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No home, tracker or SLURM allocation of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name in ("MAE_HOME", "MLFLOW_TRACKING_URI") or name.startswith("SLURM_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with Fashion-MNIST, one for the session: a copy of what is placed, else obtained."""
    from mae_core.data.fashion_mnist import obtain

    home = tmp_path_factory.mktemp("shared")
    if PLACED.is_dir():
        shutil.copytree(PLACED, home / "data" / "fashion_mnist", ignore=shutil.ignore_patterns(".*"))
    obtain(home)
    return home / "data"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database without a run, one for the session: making it takes longer than filling it."""
    from mae_core.tracking.database import prepare

    database = tmp_path_factory.mktemp("database") / "mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's migrations use what SQLAlchemy 2.1 deprecates
        prepare(database, migrate=False)
    return database


@pytest.fixture
def home(tmp_path: Path, shared_data: Path) -> Path:
    """An empty home that has the shared data."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "data").symlink_to(shared_data, target_is_directory=True)
    return home

"""Writers as forks of one process that has imported MLflow, to kill and to race without its import each time.

python forks.py race HOME COUNT          so many at once; prints how each fared, a line each
python forks.py kill HOME COUNT SEED     so many in a row, each killed at a random moment; prints how many died of it
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from mae_core.tracking.synchronise import ENVIRONMENT, synchronise

os.environ.update(ENVIRONMENT)

# after the environment is set, before the forks
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

import mae_core.tracking.writer  # noqa: F401


def fork(home: Path) -> int:
    """A writer at work; its process id."""
    pid = os.fork()
    if pid == 0:
        outcome = synchronise(home)
        print(outcome.failure or "synced", flush=True)
        os._exit(0)
    return pid


def race(home: Path, count: int) -> None:
    for pid in [fork(home) for _ in range(count)]:
        os.waitpid(pid, 0)


def kill(home: Path, count: int, seed: int) -> None:
    """Less time for each than it takes to open the database and replay a hundred runs."""
    chance, died = random.Random(seed), 0
    for _ in range(count):
        pid = fork(home)
        time.sleep(chance.uniform(0.1, 1.2))
        os.kill(pid, signal.SIGKILL)
        died += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    print(died)


if __name__ == "__main__":
    what, home, *numbers = sys.argv[1:]
    {"race": race, "kill": kill}[what](Path(home), *map(int, numbers))

"""Writers as forks of one process that has imported MLflow, to kill and to race without its import each time.

python forks.py race HOME COUNT          so many at once; prints how each fared, a line each
python forks.py kill HOME COUNT SEED     so many in a row, each killed at a random moment; prints how many died of it
python forks.py kill-early HOME COUNT SEED     the same, while they make the database
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from mae_core.tracking.environment import ENVIRONMENT
from mae_core.tracking.synchronise import synchronise

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


def killed(pid: int) -> bool:
    """Kill it, and whether it died of that rather than having ended before."""
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def kill(home: Path, count: int, seed: int) -> None:
    """Each writer dies a moment after it has begun its first to fourth run."""
    chance, died = random.Random(seed), 0
    for _ in range(count):
        enough = noted(home) + chance.randint(1, 4)
        pid = fork(home)
        while noted(home) < enough and not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03))
        died += killed(pid)
    print(died)


def noted(home: Path) -> int:
    return len(list((home / "tracking").glob("*/*-*.json")))


def kill_early(home: Path, count: int, seed: int) -> None:
    """Each writer dies within the time that making the database takes."""
    chance, died = random.Random(seed), 0
    for _ in range(count):
        pid = fork(home)
        time.sleep(chance.uniform(0.1, 1.2))
        died += killed(pid)
    print(died)


if __name__ == "__main__":
    what, home, *numbers = sys.argv[1:]
    {"race": race, "kill": kill, "kill-early": kill_early}[what](Path(home), *map(int, numbers))

"""A real SLURM on this host for the tests marked `slurm`: the one that is up, else one brought up for the session."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from mae_core.launch.slurm import queue
from mae_core.launch.slurm.submitting.arrays import KEEPER_FILE, Arrays
from mae_core.store.files import read_sealed
from mae_core.store.run import Store
from sweeps.cluster import home_mark

ROOT = Path(__file__).parents[2]
DEV = ROOT / "scripts" / "slurm-dev"
COMMANDS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd")
SETTINGS = """
[slurm]
partition = "low"
time = 60
signal_seconds = 20
poll_seconds = 1
stages_per_job = 8
"""


def dev(word):
    return subprocess.run([DEV, word], capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def slurm_conf():
    """Where the configuration of the cluster is."""
    lacking = [name for name in COMMANDS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    if lacking:
        pytest.skip(f"no SLURM here: {', '.join(lacking)} not installed")
    if os.getuid():
        pytest.skip("a SLURM of one's own needs root")
    was_up = dev("status").returncode == 0
    answer = dev("up")
    if answer.returncode:
        pytest.skip(f"scripts/slurm-dev up failed: {answer.stderr.strip()}")
    configuration = answer.stdout.strip().rpartition("=")[2]
    yield configuration
    if not was_up and not others_jobs(configuration):
        dev("down")


def others_jobs(configuration):
    """Whether somebody else has come to use the cluster meanwhile."""
    environment = os.environ | {"SLURM_CONF": configuration}
    return subprocess.run(["squeue", "-h"], env=environment, capture_output=True, check=False).stdout


@pytest.fixture
def cluster(slurm_conf, monkeypatch, home):
    """The home, with settings for the cluster; its jobs are gone when the test is over."""
    monkeypatch.setenv("SLURM_CONF", slurm_conf)
    monkeypatch.setenv("MAE_CHECKPOINT_SECONDS", "0.05")
    monkeypatch.chdir(home)
    (home / "cluster.toml").write_text(SETTINGS)
    yield home
    keeper = read_sealed(home / "cluster" / KEEPER_FILE) or {}
    mine = {*(one.array.name for one in Arrays(home).all()), keeper.get("name")}
    jobs = [state.job for (name, _), state in queue.queued().items() if name in mine or home_mark(home) in name]
    subprocess.run(["xargs", "-r", "scancel"], input="\n".join(jobs), text=True, check=False)


def slurm(*words):
    """What a command of SLURM says."""
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def until(true, seconds=600, every=0.2):
    """Wait for `true` to hold, looking again and again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := true():
            return answer
        time.sleep(every)
    pytest.fail(f"not within {seconds} s; {logs()}")


def logs():
    """The ends of what the jobs printed."""
    found = sorted(Path("cluster/logs").glob("*.out"))
    return "\n".join(f"{path.name}: {path.read_text()[-600:]}" for path in found[-3:])


def jobs(home):
    """What of the home's arrays is in the queue; others may use the cluster too."""
    names = {one.array.name for one in Arrays(home).all()}
    return [state for (name, _), state in queue.queued().items() if name in names]


def finished(home, signatures):
    return all(Store(home).run(signature).finished is not None for signature in signatures)

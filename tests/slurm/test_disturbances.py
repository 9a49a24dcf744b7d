"""Disturbances on a real cluster: whatever ends a job, its stage goes on at its step and ends with the same bits."""

import contextlib
import os
import re
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from safetensors.torch import load_file

from mae_core.data.catalogue import describe
from mae_core.launch.slurm import queue
from mae_core.launch.slurm.settings import load
from mae_core.launch.slurm.snapshot import take_snapshot
from mae_core.launch.slurm.submit import Cluster
from mae_core.recipes import BASELINE
from mae_core.scales import SCALES
from mae_core.signature import Stage
from mae_core.stages.obtain import obtain
from mae_core.store.attempt import Watch
from mae_core.store.run import Store
from tests.slurm.conftest import finished, slurm, until

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(900)]
EPOCHS = 20_000  # of the paper: 400 steps at the scale `smoke`


def stage_of(home, epochs=EPOCHS):
    return Stage(SCALES["smoke"].apply(replace(BASELINE, epochs=epochs), describe("fashion_mnist", home)))


def final(home, signature):
    """The final weights' bytes, and the journal but for its clock."""
    run = Store(home).run(signature)
    weights = load_file(run.finished.folder / "weights.safetensors")
    rows = [{name: value for name, value in row.items() if name != "time"} for row in run.rows()]
    return {name: value.numpy().tobytes() for name, value in weights.items()}, rows


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, shared_data):
    """What the stage gives when nothing happens."""
    home = tmp_path_factory.mktemp("undisturbed")
    (home / "data").symlink_to(shared_data)
    stage = stage_of(home)
    Store(home).plan(stage)
    assert obtain(stage.signature, Store(home), Watch()).ending == "done"
    return final(home, stage.signature)


def at_a_step(home, signature):
    """The job at the stage, once that has a checkpoint to go on from."""

    def look():
        if not list(Store(home).run(signature).folder.glob("attempt-*/checkpoints/step-*")):
            return None
        return next((state for state in queue.queued().values() if state.state == "RUNNING"), None)

    return until(look)


def requeue(home, job, owner):
    slurm("scontrol", "requeue", job.job_id)


def preempt(home, job, owner):
    slurm("sbatch", "--partition=high", "--nodes=2", "--exclusive", "--time=1", "--output=/dev/null", "--wrap=sleep 2")


def kill_step(home, job, owner):
    os.kill(owner["pid"], signal.SIGKILL)


def fail_node(home, job, owner):
    """The node goes down with all its processes, and comes back once SLURM has noticed."""
    state = Path(os.environ["SLURM_CONF"]).parent
    os.kill(int((state / f"{job.node}.pid").read_text()), signal.SIGKILL)
    steps = [
        p for p in psutil.process_iter(["cmdline"]) if f"slurmstepd: [{job.job_id}." in " ".join(p.info["cmdline"])
    ]
    for process in [child for step in steps for child in step.children(recursive=True)] + steps:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    until(lambda: "down" in slurm("sinfo", "-h", "-n", job.node, "-o", "%T"))
    subprocess.run(["slurmd", "-N", job.node], check=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("disturb", [requeue, preempt, kill_step, fail_node])
def test_a_disturbed_stage_goes_on_at_its_step_and_ends_with_the_same_bits(disturb, cluster, undisturbed):
    stage = stage_of(cluster)
    Store(cluster).plan(stage)

    def submit():
        snapshot = take_snapshot(cluster)
        return Cluster(cluster, load(cluster / "cluster.toml"), snapshot).submit([stage], watch=Watch(), again=True)

    submit()
    job = at_a_step(cluster, stage.signature)
    disturb(cluster, job, Store(cluster).run(stage.signature).attempts[-1].owner)
    until(lambda: finished(cluster, [stage.signature]) or (not queue.queued() and submit() and False))
    run = Store(cluster).run(stage.signature)
    assert final(cluster, stage.signature) == undisturbed
    assert len(run.attempts) >= 2
    went_on = re.findall(r"going on from step (\d+)", (run.finished.folder / "log.txt").read_text())
    assert int(went_on[0]) > 0

"""Disturbances on a real cluster: whatever ends a job, its stage goes on at its step and ends with the same bits."""

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from safetensors.torch import load_file

from mae_core.data.catalogue import describe
from mae_core.launch.slurm import queue
from mae_core.launch.slurm.settings import load
from mae_core.launch.slurm.submitting.arrays import Arrays
from mae_core.launch.slurm.submitting.snapshot import take_snapshot
from mae_core.launch.slurm.submitting.submit import Cluster
from mae_core.recipes import BASELINE
from mae_core.scales import SCALES
from mae_core.signature import Stage
from mae_core.stages.obtain import obtain
from mae_core.store.attempt import Watch
from mae_core.store.ends import ends_of
from mae_core.store.run import Store
from mae_core.tracking.synchronise import synchronise
from tests.mae_core.training.group import in_ranks
from tests.slurm.conftest import SETTINGS, finished, jobs, slurm, until

LIMITED = SETTINGS.replace("time = 60", "time = 3").replace("signal_seconds = 20", "signal_seconds = 120")

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]
EPOCHS, FEWER_EPOCHS = 3_000, 800  # of the paper: 60 and 16 steps at the scale `smoke`


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


def paused_at_a_step(home, signature):
    """The job at the stage and its process, halted once there is a checkpoint, so that it cannot be done too soon."""

    def look():
        run = Store(home).run(signature)
        return run.attempts[-1] if list(run.folder.glob("attempt-*/checkpoints/step-*")) else None

    process = psutil.Process(until(look).owner["pid"])
    process.suspend()
    (job,) = [state for state in jobs(home) if state.state == "RUNNING"]
    return job, process


def requeue(job, process):
    slurm("scontrol", "requeue", job.job_id)  # it is woken to be told


def preempt(job, process):
    slurm("sbatch", "--partition=high", "--nodes=2", "--exclusive", "--time=1", "--output=/dev/null", "--wrap=sleep 2")


def kill_step(job, process):
    process.kill()


def reach_time_limit(job, process):
    """It sleeps until SLURM sends the signal that the site's settings ask for, and wakes it to hear it."""

    def awake():
        with contextlib.suppress(psutil.NoSuchProcess):
            return process.status() != psutil.STATUS_STOPPED
        return True

    until(awake)


def fail_node(job, process):
    """The node goes down with all its processes, and comes back once SLURM has noticed."""
    state = Path(os.environ["SLURM_CONF"]).parent
    os.kill(int((state / f"{job.node}.pid").read_text()), signal.SIGKILL)
    try:
        for one in processes_of(job):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        until(lambda: "down" in slurm("sinfo", "-h", "-n", job.node, "-o", "%T"))
    finally:
        subprocess.run(["slurmd", "-N", job.node], check=True, stdin=subprocess.DEVNULL)


def processes_of(job):
    """The job's step daemons and all below them."""
    name = f"slurmstepd: [{job.job_id}."
    # a process that ends while it is looked at has no command line
    steps = [p for p in psutil.process_iter(["cmdline"]) if name in " ".join(p.info["cmdline"] or [])]
    children = []
    for step in steps:
        with contextlib.suppress(psutil.NoSuchProcess):
            children += step.children(recursive=True)
    return children + steps


@pytest.mark.parametrize(
    "disturb", [requeue, preempt, kill_step, fail_node, pytest.param(reach_time_limit, marks=pytest.mark.drill)]
)
def test_a_disturbed_stage_goes_on_at_its_step_and_ends_with_the_same_bits(
    disturb, cluster, undisturbed, empty_database
):
    stage = stage_of(cluster)
    Store(cluster).plan(stage)

    if disturb is reach_time_limit:
        (cluster / "cluster.toml").write_text(LIMITED)

    run = seen_through(cluster, stage, lambda: disturb(*paused_in_mlflow(cluster, stage.signature, empty_database)))
    assert final(cluster, stage.signature) == undisturbed
    assert synchronise(cluster).failure == ""
    assert in_mlflow(cluster, stage.signature) == [len(run.attempts)]
    assert run.finished.record["ends"].get(TOLD[disturb.__name__]), run.finished.record["ends"]


TOLD = {
    "requeue": "requeued",
    "preempt": "preempted",
    "kill_step": "killed",
    "fail_node": "node failed",
    "reach_time_limit": "time limit",
}


def seen_through(home, stage, disturb):
    """Submit a stage, disturb it, and submit it until it is finished; its run, which went on from a checkpoint."""

    def submit():
        snapshot = take_snapshot(home)
        return Cluster(home, load(home / "cluster.toml"), snapshot).submit([stage], watch=Watch(), again=True)

    submit()
    disturb()
    until(lambda: finished(home, [stage.signature]) or (not jobs(home) and submit() and False))
    run = Store(home).run(stage.signature)
    assert len(run.attempts) >= 2
    went_on = re.findall(r"going on from step (\d+)", (run.finished.folder / "log.txt").read_text())
    assert int(went_on[0]) > 0
    return run


def paused_in_mlflow(home, signature, empty_database):
    """The job and process halted at a step, once MLflow knows of the run."""
    found = paused_at_a_step(home, signature)
    shutil.copy(empty_database, home / "mlflow.db")
    assert synchronise(home).failure == ""
    assert in_mlflow(home, signature) == [1]
    return found


def in_mlflow(home, signature):
    """How many attempts each of MLflow's runs tells of that have the signature."""
    query = """
        SELECT attempts.value FROM tags AS name JOIN tags AS attempts USING (run_uuid)
        WHERE name.key = 'mae.signature' AND name.value = ? AND attempts.key = 'mae.attempts'
    """
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        return [int(number) for (number,) in connection.execute(query, [signature])]


def test_a_job_whose_second_node_loses_its_rank_goes_on_and_ends_with_the_same_bits(cluster, tmp_path):
    stage, elsewhere = stage_of(cluster, FEWER_EPOCHS), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "data").symlink_to(cluster / "data")
    for home in (cluster, elsewhere):
        Store(home).plan(stage)
    (cluster / "cluster.toml").write_text(SETTINGS + "nodes = 2\n")

    def undisturbed(ranks):
        return obtain(stage.signature, Store(elsewhere), Watch(), ranks=ranks).ending

    def kill_rank():
        job, process = paused_at_a_step(cluster, stage.signature)
        rank_of(job, 1).kill()
        process.resume()

    assert in_ranks(2, undisturbed, 300) == ["done", "done"]
    run = seen_through(cluster, stage, kill_rank)
    assert final(cluster, stage.signature) == final(elsewhere, stage.signature)
    (end,) = [end for end in ends_of(run.attempts[0].folder) if end.how == "killed"]
    assert (end.seen_by, end.node) == ("rank-1", "n2")


def rank_of(job, rank):
    """The process that trains as that rank of the job."""
    mine = {"SLURM_JOB_ID": job.job_id, "SLURM_PROCID": str(rank)}
    step = [p for p in processes_of(job) if "mae_core.launch.slurm.job" in " ".join(p.cmdline())]
    (found,) = [p for p in step if mine.items() <= p.environ().items() and not p.children()]
    return found


def test_two_nodes_with_two_ranks_each_learn_as_one_process_does(cluster, tmp_path):
    stage, elsewhere = stage_of(cluster, FEWER_EPOCHS), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "data").symlink_to(cluster / "data")
    for home in (cluster, elsewhere):
        Store(home).plan(stage)
    ranks = "nodes = 2\nranks_per_node = 2\nmicro_batch = 16\ntime = 30"
    (cluster / "cluster.toml").write_text(f'[slurm]\npartition = "low"\n{ranks}\n')
    Cluster(cluster, load(cluster / "cluster.toml"), take_snapshot(cluster)).submit([stage])
    assert obtain(stage.signature, Store(elsewhere), Watch()).ending == "done"
    until(lambda: finished(cluster, [stage.signature]))
    curves = [
        [row["loss"] for row in final(home, stage.signature)[1] if "loss" in row] for home in (cluster, elsewhere)
    ]
    assert curves[0] == pytest.approx(curves[1], rel=1e-4)
    (job,) = [states for (name, _), states in queue.past(0.0).items() if Arrays(cluster).read(name)]
    assert job[-1].node == "n[1-2]"

"""A sweep on a real cluster and here at once: each setting is tried once, and the study ends at its number."""

import os
import subprocess
import sys
from pathlib import Path

import optuna
import pandas as pd
import pytest

from mae_core.launch.slurm import queue
from mae_core.store.run import Store
from tests.slurm.conftest import until

ROOT = Path(__file__).parents[2]
LOCAL_WORKERS = 2
STUDY = "pretrain_lr"  # it has rungs, from which trials go on under other numbers

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]


def sweep(home, *words, scale="smoke"):
    return subprocess.Popen(
        [sys.executable, "-m", "sweeps.run", STUDY, "--scale", scale, "--seeds", "1", "--home", home, *words],
        cwd=home, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ends_well(process):
    _, err = process.communicate()
    assert process.returncode == 0, err


@pytest.mark.parametrize(("workers", "trials"), [(2, 10), pytest.param(8, 60, marks=pytest.mark.drill)])
def test_workers_on_the_cluster_and_here_lose_no_trial_and_try_no_setting_twice(cluster, workers, trials):
    ends_well(sweep(cluster, "--trials", str(trials), "--cluster", "slurm", "--workers", str(workers)))
    ends_well(sweep(cluster, "--trials", str(trials)))
    until(lambda: not queue.queued())
    journal = optuna.storages.journal.JournalFileBackend(str(cluster / "sweeps" / f"{STUDY}.journal"))
    storage = optuna.storages.JournalStorage(journal)
    (name,) = optuna.get_all_study_names(storage)  # one question, so one study
    study = optuna.load_study(study_name=name, storage=storage)
    states = [trial.state.name for trial in study.trials]
    assert "RUNNING" not in states
    assert "WAITING" not in states
    gone_on = {trial.user_attrs.get("goes_on") for trial in study.trials}
    ended = [trial for trial in study.trials if trial.state.name in ("COMPLETE", "PRUNED")]
    counted = [trial for trial in ended if trial.number not in gone_on]
    assert len(counted) == trials
    assert gone_on - {None}  # whoever was stopped and turned out to be good
    if workers > LOCAL_WORKERS:  # fewer may be done before the others have begun
        assert len({trial.user_attrs["worker"] for trial in counted}) > LOCAL_WORKERS
    distinct = [trial.user_attrs["signature"] for trial in counted if "repeat_of" not in trial.user_attrs]
    assert len(distinct) == len(set(distinct))
    complete = {trial.user_attrs["signature"] for trial in counted if trial.state.name == "COMPLETE"}
    for signature in complete:  # paused at rungs, but done once
        states = [attempt.record["state"] for attempt in Store(cluster).run(signature).attempts]
        assert states[-1:] == ["done"]
        assert set(states[:-1]) <= {"stopped"}
    assert len(pd.read_csv(cluster / "reports" / "sweeps" / STUDY / "trials.csv")) == trials


def test_a_sweep_that_is_on_the_cluster_is_not_submitted_twice(cluster):
    (cluster / "cluster.toml").write_text('[slurm]\npartition = "low"\nmore = { hold = true }\n')
    for _ in range(2):
        ends_well(sweep(cluster, "--cluster", "slurm", "--workers", "2"))
    assert len(queue.queued()) == 3  # two workers and what comes after them
    ends_well(sweep(cluster, "--cluster", "slurm", "--workers", "2", scale="mini"))
    assert len(queue.queued()) == 6  # the same study at another scale is another sweep

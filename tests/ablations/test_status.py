"""Status: a run's own heartbeat is believed until SLURM, if it answers, no longer has the job."""

import time

import pytest

from ablations import status
from mae_core.launch.slurm.launches import ClusterLaunch, Launches
from mae_core.launch.slurm.submitting.arrays import KEEPER_FILE, Arrays, JobArray, cluster_folder
from mae_core.recipes import BASELINE
from mae_core.signature import Stage
from mae_core.store.attempt import OWNER, PROGRESS, take
from mae_core.store.ends import End, note
from mae_core.store.files import write_sealed
from mae_core.store.run import Store
from mae_core.tracking.content.labels import write_labels

BEATING = "12|5|0|mae-a|RUNNING|n1|None"
AGAIN = "15|15|0|mae-b|PENDING||Priority"


@pytest.fixture
def home(tmp_path):
    """A home with one cell, which job 12 took on another machine and brought to step 5 of 9."""
    stage = Stage(BASELINE)
    run = Store(tmp_path).plan(stage)
    cell = {"name": "a/b/pretrain/0", "case": "b", "label": "b", "protocol": "pretrain", "seed": 0}
    write_labels(tmp_path, "a", "mini", "digits", [cell | {"signature": stage.signature}])
    for name in ("mae-a", "mae-b"):
        Arrays(tmp_path).write(JobArray(name, "pretrain", {0: (stage.signature,)}))
    attempt = take(run.folder, 1)
    write_sealed(attempt.folder / OWNER, attempt.owner | {"host": "another", "job": "12", "taken": time.time() - 60})
    write_sealed(attempt.folder / PROGRESS, {"beat": 3, "step": 5, "steps": 9, "seconds_left": 100.0})
    return tmp_path


@pytest.fixture
def said(home, monkeypatch, capsys):
    """A function that gives the cell's line and what follows it, when squeue answers `answer`."""

    def look(answer):
        (home / "squeue").write_text(f"#!/bin/sh\n{answer}\n")
        (home / "sacct").write_text("#!/bin/sh\nexit 1\n")
        for command in ("squeue", "sacct"):
            (home / command).chmod(0o755)
        monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
        assert status.main(["--home", str(home)]) == 0
        return capsys.readouterr().out.splitlines()[1:]

    return look


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (f"echo '{BEATING}'", "running"),
        ("exit 1", "running"),
        ("exit 0", "interrupted"),
        (f"echo '{AGAIN}'", "queued"),
        (f"echo '{AGAIN.replace('Priority', 'JobHeldAdmin')}'", "held"),
    ],
)
def test_a_job_that_slurm_no_longer_has_does_not_run(said, answer, state):
    (line,) = said(answer)
    assert line.split()[3] == state


def test_a_held_job_says_who_holds_it_and_how_it_is_let_go(said):
    (line,) = said(f"echo '{AGAIN.replace('Priority', 'launch failed requeued held')}'")
    assert line.endswith("launch failed requeued held; `scontrol release 15_0` lets it go")


def test_time_limits_and_preemptions_are_counted_apart(home, said):
    run = Store(home).run(Stage(BASELINE).signature)
    note(run.attempts[0].folder, End("time limit", "rank-0"))
    for number, how in enumerate(("preempted", "time limit"), 2):
        note(take(run.folder, number).folder, End(how, "rank-0"))
    assert "2 time limit, 1 preempted" in said(f"echo '{AGAIN}'")[0]


def test_the_time_left_is_the_trainings_own_estimate(said):
    assert " 1:40 " in said(f"echo '{BEATING}'")[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("exit 0", ["gone", "`ablations.run` command brings another"]),
        ("exit 1", []),
        ("echo '16|16|0|mae-k|RUNNING|n1|None'", []),
        ("echo '16|16|0|mae-k|PENDING||JobHeldUser'", ["(JobHeldUser)", "`scontrol release 16_0`"]),
    ],
)
def test_a_launch_without_a_keeper_is_told(home, said, answer, words):
    Launches(home).begin(ClusterLaunch.of((), (), home, home))
    write_sealed(cluster_folder(home) / KEEPER_FILE, {"name": "mae-k"})
    told = said(answer)[1:]
    assert len(told) == bool(words)
    assert all(word in told[0] for word in words)

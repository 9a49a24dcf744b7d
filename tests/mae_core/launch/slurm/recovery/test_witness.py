"""The witness: what a job knows of itself and of its last time stands beside the attempt that it was at."""

import pytest

from mae_core.launch.slurm.recovery.witness import note_before_restart, note_own
from mae_core.store.attempt import RECORD, take
from mae_core.store.ends import ends_of
from mae_core.store.files import write_sealed
from mae_core.store.run import Store
from mae_core.training.watchdog import WAITING, stacks_file

SIGNATURES = ("pretrain-1", "pretrain-2")


@pytest.fixture
def attempt(tmp_path, monkeypatch):
    """The attempt that job 7 is at: of its second stage, as its first has failed."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURMD_NODENAME", "n2")
    for name, value in {"STEP_NUM_TASKS": "2", "PROCID": "1", "LOCALID": "0", "JOB_NODELIST": "localhost"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    found = []
    for signature in SIGNATURES:
        folder = Store(tmp_path).run(signature).folder
        folder.mkdir(parents=True)
        found.append(take(folder, 1))
    write_sealed(found[0].folder / RECORD, {"state": "failed"})
    return found[1].folder


def seen(attempt):
    return [(end.how, end.seen_by, end.node, end.job) for end in ends_of(attempt)]


def test_a_killed_rank_is_named_with_its_node(tmp_path, attempt):
    note_own(Store(tmp_path), SIGNATURES, "killed")
    assert seen(attempt) == [("killed", "rank-1", "n2", "7")]


@pytest.mark.parametrize(
    ("stacks", "told"), [("no step for 9 s\n", ["hung"]), (f"no step for 9 s, {WAITING}\n", []), (None, [])]
)
def test_of_ranks_that_left_together_the_one_that_hung_is_named(tmp_path, attempt, stacks, told):
    if stacks:
        stacks_file(attempt, 1).write_text(stacks)
    note_own(Store(tmp_path), SIGNATURES, None)
    assert [how for how, *_ in seen(attempt)] == told


@pytest.mark.parametrize(("restarts", "told"), [("0", []), ("1", ["preempted"]), ("2", ["node failed"]), ("3", [])])
def test_a_job_that_runs_again_asks_why(tmp_path, attempt, commands, monkeypatch, restarts, told):
    monkeypatch.setattr("mae_core.launch.slurm.recovery.witness.PATIENCE", 0.0)
    monkeypatch.setenv("SLURM_RESTART_COUNT", restarts)
    commands("sacct", "echo '5_0|PREEMPTED|0:0|n1'; echo '5_0|NODE_FAIL|0:0|n1'")
    note_before_restart(Store(tmp_path), SIGNATURES)
    assert [how for how, *_ in seen(attempt)] == told


def test_accounting_that_is_behind_is_waited_for(tmp_path, attempt, commands, monkeypatch):
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    monkeypatch.setattr("mae_core.launch.slurm.recovery.witness.LOOK_SECONDS", 0.01)
    seen_once = tmp_path / "seen"
    commands(
        "sacct", f"[ -e {seen_once} ] && echo '5_0|NODE_FAIL|0:0|n1' || echo '5_0|RUNNING|0:0|n1'; touch {seen_once}"
    )
    note_before_restart(Store(tmp_path), SIGNATURES)
    assert [how for how, *_ in seen(attempt)] == ["node failed"]


def test_a_cluster_without_accounting_is_not_waited_for(tmp_path, attempt, commands, monkeypatch):
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    monkeypatch.setattr("mae_core.launch.slurm.recovery.witness.time.sleep", lambda _: pytest.fail("waited"))
    commands("sacct", "exit 1")
    note_before_restart(Store(tmp_path), SIGNATURES)
    assert seen(attempt) == []


def test_what_slurm_says_of_a_restart_is_not_believed_over_the_job_itself(tmp_path, attempt, commands, monkeypatch):
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    commands("sacct", "echo '5_0|REQUEUED|0:0|n1'")
    note_own(Store(tmp_path), SIGNATURES, "time limit")
    note_before_restart(Store(tmp_path), SIGNATURES)
    assert [how for how, *_ in seen(attempt)] == ["time limit"]

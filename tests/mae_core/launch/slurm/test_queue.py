"""The queue: what squeue and sacct say is read task by task, and silence is never taken for failure."""

import pytest

from mae_core.launch.slurm import queue
from mae_core.launch.slurm.queue import JobState, max_array_size, past, queued, scrubbed
from mae_core.launch.slurm.settings import ClusterError

SQUEUE = """12|5|0|mae-a|RUNNING|n1|None
14|5|3|mae-a|PENDING||Resources
15|15|N/A|mae-notebook|RUNNING|n1|None
16|16|0|another|RUNNING|n2|None"""
SACCT = """5_0|mae-a|PREEMPTED|0:0|n1|2026-01-01T00:00:00|12
5_0|mae-a|COMPLETED|0:0|n2|2026-01-01T00:01:00|12
5_1|mae-a|CANCELLED by 1000|0:0|None assigned|Unknown|13
5_[2-7%3]|mae-a|PENDING|0:0|None assigned|Unknown|5
9|shell|COMPLETED|0:0|n1|2026-01-01T00:00:00|9"""


def test_our_tasks_are_told_from_other_jobs(commands):
    commands("squeue", f"echo '{SQUEUE}'")
    found = queued()
    assert set(found) == {("mae-a", 0), ("mae-a", 3)}
    assert found["mae-a", 3] == JobState("5_3", "PENDING", "", "Resources", job_id="14")


def test_a_task_that_was_preempted_and_then_finished_has_finished(commands):
    commands("sacct", f"echo '{SACCT}'")
    found = past(0.0)
    assert [(state.state, state.job_id) for state in found["mae-a", 0]] == [("PREEMPTED", "12"), ("COMPLETED", "12")]
    assert (found["mae-a", 1][-1].state, found["mae-a", 1][-1].started) == ("CANCELLED", False)
    assert set(found) == {("mae-a", 0), ("mae-a", 1)}


def test_missing_accounting_is_unknown_not_empty(commands):
    commands("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
    assert past(0.0) is None


@pytest.mark.parametrize("text", ["echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1", None])
def test_a_silent_or_absent_scheduler_is_one_sentence(commands, text):
    if text:
        commands("squeue", text)
    with pytest.raises(ClusterError, match="squeue") as raised:
        queued()
    assert "\n" not in str(raised.value)


def test_a_scheduler_that_hangs_is_given_up(commands, monkeypatch):
    monkeypatch.setattr(queue, "SECONDS", 0.2)
    commands("squeue", "exec sleep 20")
    with pytest.raises(ClusterError, match="did not answer"):
        queued()


@pytest.mark.parametrize(
    ("said", "most"),
    [
        ("MaxArraySize            = 1001", 1001),
        ("MaxArraySize = 5000\nSchedulerParameters = bf_interval=2,max_array_tasks=300", 300),
        ("", 1000),
    ],
)
def test_an_array_has_as_many_tasks_as_the_cluster_allows(commands, said, most):
    commands("scontrol", f"echo '{said}'")
    assert max_array_size() == most


def test_an_allocations_variables_stay_outside_but_the_configuration_stays(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_CPU_BIND", "quiet,mask_cpu:0x1")
    monkeypatch.setenv("SLURM_CONF", "slurm.conf")
    assert {name for name in scrubbed() if name.startswith("SLURM")} == {"SLURM_CONF"}


@pytest.mark.parametrize("inside", [True, False])
def test_what_a_shell_says_of_ranks_never_reaches_a_job_and_an_allocations_cards_do_not(monkeypatch, inside):
    for name in ("RANK", "WORLD_SIZE", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "1")
    if inside:
        monkeypatch.setenv("SLURM_JOB_ID", "7")
    found = scrubbed().keys() & {"RANK", "WORLD_SIZE", "CUDA_VISIBLE_DEVICES"}
    assert found == (set() if inside else {"CUDA_VISIBLE_DEVICES"})


@pytest.mark.parametrize(
    ("state", "reason", "held", "unlaunched"),
    [
        ("PENDING", "JobHeldUser", True, False),
        ("PENDING", "JobHeldAdmin", True, False),
        ("PENDING", "launch failed requeued held", True, True),
        ("PENDING", "launch_failed_requeued_held", True, True),
        ("PENDING", "Priority", False, False),
        ("RUNNING", "", False, False),
    ],
)
def test_held_jobs_are_told_from_those_that_wait_their_turn(state, reason, held, unlaunched):
    job = JobState("5_0", state, reason=reason)
    assert (job.held, job.unlaunched) == (held, unlaunched)

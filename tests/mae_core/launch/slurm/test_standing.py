"""Standing and policy: what is submitted again, what is left alone, and what is given up."""

from dataclasses import replace

import pytest

from mae_core.launch.slurm.launches import ClusterLaunch, Launches
from mae_core.launch.slurm.queue import JobState
from mae_core.launch.slurm.recovery.policy import Policy
from mae_core.launch.slurm.standing import standing
from mae_core.launch.slurm.submitting.arrays import Arrays, JobArray, tasks_of
from mae_core.recipes import BASELINE
from mae_core.signature import Stage
from mae_core.store.attempt import OWNER, PROGRESS, RECORD, Watch, finish, take
from mae_core.store.ends import End, note
from mae_core.store.files import read_sealed, write_sealed
from mae_core.store.run import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def planned(store, seed=0):
    stage = Stage(replace(BASELINE, seed=seed))
    store.plan(stage)
    return stage.signature


def attempted(store, signature, *, state=None, step=0, job=None):
    """An attempt that ended in `state`, or whose owner died without a word, on another host where `job` is told."""
    run = store.run(signature)
    attempt = take(run.folder, len(run.attempts) + 1)
    owner = read_sealed(attempt.folder / OWNER) | {"boot": "another"}
    if job is not None:
        owner |= {"host": "elsewhere", "job": job}
    write_sealed(attempt.folder / OWNER, owner)
    write_sealed(attempt.folder / PROGRESS, {"beat": 1, "step": step, "steps": 100})
    if state is not None:
        write_sealed(attempt.folder / RECORD, {"state": state, "reason": "as it happens", "metrics": {}})
    if state == "done":
        finish(attempt)


def submitted(store, *signatures, after=None):
    """An array with one task for each of the stages."""
    arrays = Arrays(store.home)
    name = f"mae-{len(arrays.all())}"
    arrays.write(JobArray(name, "pretrain", {index: (s,) for index, s in enumerate(signatures)}, after))
    return name


def look(store, *signatures, queue=None, **more):
    tasks = tasks_of(Arrays(store.home).all())
    return standing(signatures, store, tasks, queue or {}, Launches(store.home).marked(), **more)


def test_finished_queued_and_open_stages_are_told_apart(store):
    done, waits, free = (planned(store, seed) for seed in range(3))
    attempted(store, done, state="done")
    name = submitted(store, waits)
    found = look(store, done, waits, free, queue={(name, 0): JobState("5_0", "PENDING")})
    assert (found.done, found.queued, found.open) == ({done}, {waits: (name, 0)}, [free])


@pytest.mark.parametrize("state", ["failed", "diverged"])
def test_what_failed_stays_so_until_it_is_asked_for_again(store, state):
    signature = planned(store)
    attempted(store, signature, state=state)
    assert look(store, signature).ended == {signature: f"{state}: as it happens"}
    assert look(store, signature, again=True).open == [signature]


@pytest.mark.parametrize("state", ["stopped", None])
def test_what_was_stopped_or_died_is_open(store, state):
    signature = planned(store)
    attempted(store, signature, state=state)
    assert look(store, signature).open == [signature]


def test_a_job_that_slurm_has_forgotten_holds_nothing(store):
    signature = planned(store)
    attempted(store, signature, job="12")
    assert look(store, signature, queue={("mae-9", 0): JobState("9_0", "RUNNING", job_id="12")}).elsewhere
    assert look(store, signature).open == [signature]


def test_a_pool_in_an_allocation_of_another_name_is_told_by_its_heartbeat(store):
    signature, watch = planned(store), Watch(lease=0.0)
    attempted(store, signature, job="12")
    assert look(store, signature, watch=watch).elsewhere == {signature}
    assert look(store, signature, watch=watch).open == [signature]  # it stood still


def judged(store, signature):
    """What the policy leaves open, at three tries."""
    launch = ClusterLaunch("a", (signature,), (), "", "")
    found = look(store, signature)
    written = Arrays(store.home).all()
    Policy(launch, store, 3).spare(found, tasks_of(written), written)
    return found.open


def sacct(commands, state, names):
    times = "2026-01-01T00:00:00"
    lines = "\n".join(f"{number}_0|{name}|{state}|0:0|n1|{times}|{number}" for number, name in enumerate(names))
    commands("sacct", f"echo '{lines}'")


def test_a_stage_that_gets_on_may_be_lost_as_often_as_it_likes(store, commands):
    signature, names = planned(store), []
    for step in (10, 20, 30, 40, 50):
        names.append(submitted(store, signature))
        attempted(store, signature, step=step)
        sacct(commands, "TIMEOUT", names)
        assert judged(store, signature) == [signature]


def test_a_stage_that_gets_no_further_is_given_up_with_slurms_words(store, commands):
    signature = planned(store)
    names = [submitted(store, signature) for _ in range(3)]
    sacct(commands, "NODE_FAIL", names)
    assert judged(store, signature) == []
    state, reason = Launches(store.home).marked()[signature]
    assert state == "failed"
    assert "3 × NODE_FAIL" in reason


@pytest.mark.parametrize(("state", "how"), [("PREEMPTED", None), ("FAILED", "preempted"), ("REQUEUED", "requeued")])
def test_what_others_took_from_the_cluster_costs_no_try(store, commands, state, how):
    signature, names = planned(store), []
    for number in range(1, 6):
        names.append(submitted(store, signature))
        attempted(store, signature, job=str(number - 1), state="stopped")
        if how:
            note(store.run(signature).attempts[-1].folder, End(how, "rank-0"))
        sacct(commands, state, names)
        assert judged(store, signature) == [signature]


def test_a_stage_asked_for_anew_has_its_tries_anew_and_no_more(store, commands):
    signature = planned(store)
    Arrays(store.home).folder.mkdir(parents=True)
    write_sealed(Policy(ClusterLaunch("a", (), (), "", ""), store, 3).path, {signature: [10, 5]})
    names = []
    for left in ([signature], [signature], []):
        names.append(submitted(store, signature))
        sacct(commands, "TIMEOUT", names)
        assert judged(store, signature) == left


def test_waiting_in_vain_for_a_parent_costs_no_try(store, commands):
    signature = planned(store)
    names = [submitted(store, signature, after="mae-x") for _ in range(5)]
    sacct(commands, "CANCELLED", names)
    assert judged(store, signature) == [signature]


def test_what_a_person_cancelled_is_not_submitted_again(store, commands):
    signature = planned(store)
    sacct(commands, "CANCELLED by 1000", [submitted(store, signature)])
    assert judged(store, signature) == []
    assert Launches(store.home).marked()[signature][0] == "cancelled"


def test_missing_accounting_ends_nothing(store, commands):
    signature = planned(store)
    submitted(store, signature)
    commands("sacct", "exit 1")
    assert judged(store, signature) == [signature]

"""A job's body: ranks that have lost each other leave, and the job is asked for again before any of them does."""

import os
import signal
from dataclasses import replace

import pytest

import mae_core.stages.obtain  # noqa: F401  (once, before ranks are forked)
from mae_core.data.catalogue import describe
from mae_core.launch.slurm.job import STOPPED, in_turn
from mae_core.launch.worker import Wish
from mae_core.recipes import BASELINE
from mae_core.scales import SCALES
from mae_core.signature import Stage
from mae_core.store.run import Store
from tests.mae_core.training.group import in_ranks

SECONDS = 200  # on a busy machine
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def requeued(commands, tmp_path, monkeypatch):
    """The file that is there once SLURM was asked for the job again."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    commands("squeue", "echo RUNNING")
    commands("scontrol", f"sleep 1; echo $* > {tmp_path}/asked")
    return tmp_path / "asked"


def planned(home, seed=0):
    stage = Stage(SCALES["smoke"].apply(replace(BASELINE, seed=seed), describe("fashion_mnist", home)))
    Store(home).plan(stage)
    return stage.signature


def wish(stop=False):
    """A wish that no signal makes."""
    made = object.__new__(Wish)
    made.stop = stop
    return made


def test_the_job_is_asked_for_again_before_any_rank_leaves(home, requeued):
    signature = planned(home)

    def work(ranks):
        return in_turn(Store(home), (signature,), wish(stop=True), ranks), requeued.exists()

    assert in_ranks(2, work, SECONDS) == [(STOPPED, True)] * 2
    assert requeued.read_text() == "requeue 7\n"


def test_a_rank_that_lost_another_stops_and_asks_for_the_job_again(home, requeued):
    signature = planned(home)

    def work(ranks):
        doomed = wish()
        if ranks.rank == 1:
            doomed.requested = lambda: os.kill(os.getpid(), signal.SIGKILL)  # after its first step
        return in_turn(Store(home), (signature,), doomed, ranks)

    assert in_ranks(2, work, SECONDS, dying={1})[0] == STOPPED
    assert requeued.exists()


def test_ranks_leave_what_follows_a_failure_to_another_job(home):
    signature = planned(home)

    def work(ranks):
        return in_turn(Store(home), ("pretrain-unknown", signature), wish(), ranks)

    assert in_ranks(2, work, SECONDS) == [1, 1]
    assert not Store(home).run(signature).attempts

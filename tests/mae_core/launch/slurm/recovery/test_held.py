"""Held jobs: what SLURM could not launch is let go a few times and then given up; what a person holds is left alone."""

import pytest

from mae_core.launch.slurm.launches import Launches
from mae_core.launch.slurm.settings import ClusterSettings
from mae_core.launch.slurm.submitting.submit import Cluster
from mae_core.recipes import BASELINE
from mae_core.signature import Stage
from mae_core.store.run import Store

FAILED = "launch failed requeued held"


@pytest.fixture
def held(tmp_path, scheduler, commands):
    """A function that does a round while the home's one job waits for `reason`: what SLURM was told, by round."""
    home = tmp_path / "home"
    home.mkdir()
    stage, one = Stage(BASELINE), Cluster(home, ClusterSettings(tries=3), home / "code")
    Store(home).plan(stage)
    (array,) = one.submit([stage]).submitted
    for command in ("scontrol", "scancel"):
        commands(command, f"echo {command} $* >> {home}/asked")

    def rounds(reason, number):
        commands("squeue", f"test -f {home}/gone || echo '1|1|0|{array.name}|PENDING||{reason}'")
        for _ in range(number):
            found = one.submit([stage]).standing
        asked = home / "asked"
        return found, asked.read_text().splitlines() if asked.exists() else [], Launches(home).marked()

    return rounds


def test_what_slurm_could_not_launch_is_let_go(held):
    found, asked, marks = held(FAILED, 2)
    assert asked == ["scontrol release 1_0"] * 2
    assert (len(found.queued), marks) == (1, {})


def test_what_slurm_never_can_launch_is_given_up_and_says_why(held):
    found, asked, marks = held(FAILED, 3)
    assert asked[-1] == "scancel 1_0"
    assert not found.queued
    ((state, reason),) = marks.values()
    assert state == "failed"
    assert "could not launch it in 3 tries" in reason


@pytest.mark.parametrize("reason", ["JobHeldUser", "JobHeldAdmin"])
def test_what_a_person_holds_is_left_to_them(held, reason):
    found, asked, marks = held(reason, 4)
    assert (asked, marks, len(found.queued)) == ([], {}, 1)

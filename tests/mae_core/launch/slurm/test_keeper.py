"""The keeper: it outlives a sick disk, ends what is through and nothing else, and leaves when all is."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mae_core.launch.slurm import keeper
from mae_core.launch.slurm.job import STOPPED
from mae_core.launch.slurm.keeper import Keeper
from mae_core.launch.slurm.launches import ClusterLaunch, Launches
from mae_core.launch.slurm.submitting.arrays import KEEPER_FILE, cluster_folder
from mae_core.launch.slurm.submitting.submit import revive_keeper
from mae_core.recipes import BASELINE
from mae_core.signature import Stage
from mae_core.store.files import read_sealed, write_sealed
from mae_core.store.run import Store


@pytest.fixture
def home(tmp_path, scheduler):
    (tmp_path / "home").mkdir()
    (tmp_path / "cluster.toml").write_text("[slurm]\npoll_seconds = 0.1")
    return tmp_path / "home"


def begun(home, *report):
    """A launch of no stages, which is through at once, with a report or none."""
    Launches(home).begin(ClusterLaunch.of((), [report] if report else [], home, home.parent / "cluster.toml"))
    return Launches(home)


class StopOnce:
    """The wish to stop that comes as soon as `true` holds."""

    def __init__(self, true):
        self.true = true

    @property
    def stop(self):
        return self.true()


def test_it_builds_the_report_of_what_is_through_and_leaves(home):
    launches = begun(home, "touch", f"{home}/report")
    assert Keeper(home, SimpleNamespace(stop=False)).keep() == 0
    assert (home / "report").exists()
    assert not launches.under_way()


def test_a_report_that_a_stop_cut_short_is_built_again(home):
    launches = begun(home, "touch", f"{home}/begun")
    assert Keeper(home, StopOnce((home / "begun").exists)).keep() == STOPPED
    assert launches.under_way()


def test_a_launch_asked_for_again_during_its_report_stays_under_way(home):
    launches = begun(home)
    (read,) = launches.under_way()
    begun(home)
    launches.end(read, "")
    assert launches.under_way()


@pytest.mark.parametrize("asked", [True, False])
def test_a_sick_disk_does_not_end_it(home, monkeypatch, capsys, asked):
    monkeypatch.setattr(keeper, "TROUBLED_SECONDS", 0.1)
    launches = begun(home)
    if not asked:
        launches.end(*launches.under_way(), "")
    rounds = home / "cluster" / "rounds"
    rounds.rename(home / "aside")
    rounds.write_text("")
    said = []
    wish = StopOnce(lambda: said.append(capsys.readouterr().out) or any("File exists" in text for text in said))
    assert Keeper(home, wish).keep() == STOPPED


def one_stage(home):
    """A launch of one stage."""
    stage = Stage(BASELINE)
    Store(home).plan(stage)
    Launches(home).begin(ClusterLaunch.of([stage.signature], [], home, home.parent / "cluster.toml"))


@pytest.mark.parametrize(
    "trouble",
    [("sbatch", "QOSMaxSubmitJobPerUserLimit"), ("sbatch", "Unable to contact slurm controller"), ("squeue", "down")],
)
def test_it_pauses_ever_longer_while_slurm_refuses_and_no_longer_when_it_takes(home, commands, monkeypatch, trouble):
    one_stage(home)
    command, word = trouble
    well = (home.parent / "bin" / command).read_text().removeprefix("#!/bin/sh\n")
    commands(command, f"echo 'error: {word}' >&2; exit 1")
    pauses = []

    def wait(_, seconds):
        pauses.append(seconds)
        if len(pauses) == 5:
            commands(command, well)

    monkeypatch.setattr(Keeper, "_wait", wait)
    assert Keeper(home, StopOnce(lambda: len(pauses) == 6)).keep() == STOPPED
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 0.1])


@given(st.floats(0.01, 4000), st.integers(0, 5000))
def test_pauses_are_neither_shorter_than_the_settings_say_nor_without_end(seconds, refusals):
    assert seconds <= keeper.pause(seconds, refusals) <= max(seconds, keeper.LONGEST_SECONDS)


def test_a_job_that_ends_brings_another_keeper_where_it_has_gone(home, scheduler, commands, monkeypatch):
    monkeypatch.setenv("MAE_MICRO_BATCH", "7")  # the job's own affair
    begun(home)
    write_sealed(cluster_folder(home) / KEEPER_FILE, {"name": "mae-k", "environment": {"MAE_HANG_SECONDS": "9"}})
    commands("squeue", "case $* in *mae-k*) echo RUNNING;; esac")
    assert not revive_keeper(home)
    commands("squeue", "exit 0")
    assert revive_keeper(home)
    (script,) = scheduler[0].glob("*.sh")
    assert "slurm.keeper" in script.read_text()
    assert read_sealed(cluster_folder(home) / KEEPER_FILE)["environment"] == {"MAE_HANG_SECONDS": "9"}


def test_no_keeper_is_brought_where_nothing_is_under_way(home, scheduler):
    launches = begun(home)
    assert not revive_keeper(home)  # none was asked for
    write_sealed(cluster_folder(home) / KEEPER_FILE, {"name": "mae-k"})
    launches.end(*launches.under_way(), "")
    assert not revive_keeper(home)
    assert not list(scheduler[0].glob("*.sh"))


def test_it_leaves_a_home_that_is_gone_alone(tmp_path):
    assert Keeper(tmp_path / "gone", SimpleNamespace(stop=False)).keep() == 0
    assert not Path(tmp_path / "gone").exists()

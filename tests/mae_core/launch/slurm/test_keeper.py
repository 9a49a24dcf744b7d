"""The keeper: it outlives a sick disk, ends what is through and nothing else, and leaves when all is."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mae_core.launch.slurm import keeper
from mae_core.launch.slurm.job import STOPPED
from mae_core.launch.slurm.keeper import Keeper
from mae_core.launch.slurm.launches import ClusterLaunch, Launches


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


def test_it_leaves_a_home_that_is_gone_alone(tmp_path):
    assert Keeper(tmp_path / "gone", SimpleNamespace(stop=False)).keep() == 0
    assert not Path(tmp_path / "gone").exists()

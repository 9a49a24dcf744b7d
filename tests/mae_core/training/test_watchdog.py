"""The watchdog: a process that hangs ends with a status of its own, and shows where it stood."""

import os
import time

import pytest

from mae_core.training.watchdog import EXIT_HUNG, USUAL_SECONDS, WAITING, Watchdog, patience
from tests.mae_core.training.line import Line, trained

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def status_of(work):
    """The exit status of a fork that does `work`."""
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Hanging(Line):
    def loss(self, batch):
        if batch.step == 3:
            time.sleep(60)
        return super().loss(batch)


def test_a_step_that_hangs_ends_the_process_and_leaves_its_stacks(run, monkeypatch):
    monkeypatch.setenv("MAE_HANG_SECONDS", "2")
    assert status_of(lambda: trained(run, 1, learner=Hanging())) == EXIT_HUNG
    stacks = (run / "attempt-1" / "stacks-0.txt").read_text()
    assert "no step for 2 s" in stacks
    assert "test_watchdog.py" in stacks
    assert "in loss" in stacks


def test_what_may_take_its_time_is_not_a_hang(tmp_path):
    def work():
        with Watchdog(tmp_path / "stacks.txt", 0.3) as watchdog, watchdog.off():
            time.sleep(0.9)

    assert status_of(work) == 0
    assert not (tmp_path / "stacks.txt").exists()


@pytest.mark.parametrize(("waits", "seconds"), [(False, 0.8), (True, 1.0)])
def test_one_who_waits_for_others_is_the_last_to_leave(tmp_path, waits, seconds):
    def work():
        with Watchdog(tmp_path / "stacks.txt", 0.8, lambda: waits):
            time.sleep(30)

    begun = time.monotonic()
    assert status_of(work) == EXIT_HUNG
    assert time.monotonic() - begun >= seconds
    assert (WAITING in (tmp_path / "stacks.txt").read_text().splitlines()[0]) == waits


def test_steps_keep_it_quiet(tmp_path):
    def work():
        with Watchdog(tmp_path / "stacks.txt", 1.0) as watchdog:
            for _ in range(8):
                time.sleep(0.2)
                watchdog.step()

    assert status_of(work) == 0


@pytest.mark.parametrize(("said", "seconds"), [(None, USUAL_SECONDS), ("", USUAL_SECONDS), ("90", 90.0), ("0", 0.0)])
def test_the_environment_says_how_patient_it_is(monkeypatch, said, seconds):
    monkeypatch.delenv("MAE_HANG_SECONDS", raising=False)
    if said is not None:
        monkeypatch.setenv("MAE_HANG_SECONDS", said)
    assert patience() == seconds

"""The supervisor: it tells of deaths that the dead cannot, hands signals on, and leaves with its child's status."""

import os
import signal
import time
from pathlib import Path

import pytest

from mae_core.launch.slurm.recovery import supervisor
from mae_core.launch.slurm.recovery.supervisor import supervised
from mae_core.training.watchdog import EXIT_HUNG

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def vmstat(tmp_path, monkeypatch):
    """What the kernel counts; a function sets how many it killed."""

    def count(number):
        (tmp_path / "vmstat").write_text(f"pgfault 9\noom_kill {number}\noom_kill_other 5\n")

    monkeypatch.setattr(supervisor, "VMSTAT", tmp_path / "vmstat")
    count(3)
    return count


def told(tmp_path, work, meanwhile=lambda: None):
    """Exit status of a supervised `work`, and what the supervisor told while something else happened."""
    pid = os.fork()
    if pid == 0:
        os._exit(supervised(work, lambda how: (meanwhile(), (tmp_path / "told").write_text(str(how)))))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    file = tmp_path / "told"
    return status, file.read_text() if file.exists() else ""


def dies(number):
    os.kill(os.getpid(), number)
    time.sleep(60)


@pytest.mark.parametrize(
    ("work", "answer"),
    [
        (lambda: 0, (0, "")),
        (lambda: 1, (1, "")),
        (lambda: EXIT_HUNG, (EXIT_HUNG, "None")),
        (lambda: dies(signal.SIGKILL), (137, "killed")),
        (lambda: dies(signal.SIGUSR1), (138, "crashed")),
    ],
)
def test_it_leaves_as_its_child_did(tmp_path, vmstat, work, answer):
    assert told(tmp_path, work) == answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
def test_what_ends_the_job_at_that_moment_does_not_keep_it_from_telling(tmp_path, vmstat, number):
    answer = told(tmp_path, lambda: dies(signal.SIGKILL), meanwhile=lambda: os.kill(os.getpid(), number))
    assert answer == (137, "killed")


def test_a_child_that_the_kernel_killed_for_memory_is_told_from_others(tmp_path, vmstat):
    def starves():
        vmstat(4)
        return dies(signal.SIGKILL)

    assert told(tmp_path, starves) == (137, "memory")


def test_signals_reach_the_child_and_it_dies_with_its_supervisor(tmp_path):
    def work():
        signal.signal(signal.SIGUSR2, lambda *_: (tmp_path / "heard").write_text(""))
        (tmp_path / "child").write_text(str(os.getpid()))
        while True:
            time.sleep(0.01)

    pid = os.fork()
    if pid == 0:
        os._exit(supervised(work, lambda _: None))
    until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    os.kill(pid, signal.SIGUSR2)
    until((tmp_path / "heard").exists)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    child = int((tmp_path / "child").read_text())
    until(lambda: not lives(child))


def lives(pid):
    """Whether a process is there and is not waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(true):
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)

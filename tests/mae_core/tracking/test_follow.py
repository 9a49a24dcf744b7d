"""Following: the writer works beside its launcher, goes with it, and never holds it up."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mae_core.recipes import BASELINE
from mae_core.signature import Stage
from mae_core.tracking.follow import Follower

ROOT = Path(__file__).parents[3]
PRETRAIN = Stage(BASELINE)


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tracker is a port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{listener.getsockname()[1]}")
        yield


def test_what_is_committed_is_there_while_the_launcher_lives_and_the_rest_when_it_has_ended(
    trainer: Any, tables: Any, journal_points: Any, tmp_path: Path
) -> None:
    follower = Follower(tmp_path, seconds=0.2)
    attempt, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(4))
    trainer.checkpoint(attempt, journal, 4)
    trainer.train(journal, range(4, 6))
    wait_for(lambda: len(tables.points()) == 8)
    trainer.end(attempt, journal)
    assert follower.finish(60) is None
    assert tables.points() == journal_points()


def test_a_tracker_that_hangs_holds_up_nobody(trainer: Any, silent: None, tmp_path: Path) -> None:
    begun = time.monotonic()
    follower = Follower(tmp_path, seconds=0.1)
    assert time.monotonic() - begun < 0.5
    trainer.run(PRETRAIN)
    begun = time.monotonic()
    said = follower.finish(0.5)
    assert time.monotonic() - begun < 2
    assert said is not None
    assert said.startswith("not synced: the tracker took more than 0.5 s; run `python -m mae_core.tracking sync --home")


def test_the_writers_own_words_come_back(trainer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mlruns")
    trainer.run(PRETRAIN)
    said = Follower(tmp_path).finish(60)
    assert said is not None
    assert said.startswith("not synced: mlruns is a folder")


def test_a_writer_that_cannot_be_started_ends_no_launcher(
    trainer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    trainer.run(PRETRAIN)
    said = Follower(tmp_path).finish(60)
    assert said is not None
    assert "could not be started" in said


def test_where_nothing_is_to_do_the_launcher_does_not_wait(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    begun = time.monotonic()
    assert follower.finish(60) is None
    assert time.monotonic() - begun < 0.3


def test_a_killed_launcher_takes_its_writer_along(tmp_path: Path) -> None:
    code = "import pathlib, sys, time; from mae_core.tracking.follow import Follower\n"
    code += "Follower(pathlib.Path(sys.argv[1]), 600); print('started', flush=True); time.sleep(600)"
    launcher = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    with launcher:
        assert launcher.stdout is not None
        launcher.stdout.readline()
        (writer,) = psutil.Process(launcher.pid).children()
        os.kill(launcher.pid, signal.SIGKILL)
    wait_for(lambda: not writer.is_running() or writer.status() == psutil.STATUS_ZOMBIE)

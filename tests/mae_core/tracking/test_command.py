"""The command: what a person sees, and what the exit status says."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from mae_core.tracking.__main__ import main

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "mae_core.tracking"]


def run(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **more}
    return subprocess.run(
        [*COMMAND, *map(str, words)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )


def test_a_fresh_home_is_synced_without_chatter(
    trainer: Any, tables_of: Any, journal_points: Any, tmp_path: Path
) -> None:
    trainer.runs(3)
    done = run("sync", "--home", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"3 runs brought up to date in sqlite:///{tmp_path}/mlflow.db.\n")
    assert tables_of(tmp_path).points() == journal_points()


def test_a_synced_home_is_left_alone_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("0 runs")
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.parametrize(
    "words", [[], ["sink"], ["sync", "--follow", "soon"], ["sync", "--follow", "0"], ["sync", "x"]]
)
def test_bad_usage_is_one_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_is_no_number_of_seconds_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sync", "--follow", "0"])
    assert capsys.readouterr().err.startswith("Argument --follow: '0' is no number of seconds above 0;")


def test_a_home_that_cannot_be_written_is_bad_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["sync", "--home", str(tmp_path / "file" / "home")]) == 2
    assert "--home" in capsys.readouterr().err


def test_a_tracker_out_of_reach_is_one_sentence_that_says_how_to_go_on(trainer: Any, tmp_path: Path) -> None:
    trainer.runs(3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = run("sync", "--home", tmp_path, MLFLOW_TRACKING_URI=f"http://me:secret@127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (1, "")
    again = re.escape(f"run `python -m mae_core.tracking sync --home {tmp_path}` later")
    assert re.fullmatch(rf"not synced: http://127\.0\.0\.1:{port} cannot be reached \(.*\); {again}\n", done.stderr)


def test_a_folder_as_tracker_is_refused(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mlruns")
    assert main(["sync", "--home", str(tmp_path)]) == 1
    assert "name a server or a database" in capsys.readouterr().err


def test_following_ends_with_an_interrupt(tmp_path: Path) -> None:
    follower = subprocess.Popen([*COMMAND, "sync", "--follow", "60", "--home", str(tmp_path)], cwd=ROOT)
    while psutil.Process(follower.pid).nice() == os.getpriority(os.PRIO_PROCESS, 0):  # until it has begun
        time.sleep(0.05)
    follower.send_signal(signal.SIGINT)
    # Python ends itself by the signal, which shells call 130 too, where it came while an import ran generated code
    assert follower.wait(20) in (130, -signal.SIGINT)

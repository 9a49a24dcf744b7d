"""A real MLflow server that is absent, killed or frozen: when it is back, a sync brings every point, once."""

import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mae_core.recipes import BASELINE
from mae_core.signature import Stage
from mae_core.store.journal import line
from mae_core.store.run import Store
from mae_core.store.upkeep import usage
from mae_core.tracking import destination
from mae_core.tracking.content.labels import read_labels, write_labels
from mae_core.tracking.follow import Follower
from mae_core.tracking.recovery.recovered import recovered
from mae_core.tracking.synchronise import synchronise

pytestmark = pytest.mark.server

# one server serves all tests, so each run has a signature of its own
PRETRAIN, FROZEN, DIVERGED = (Stage(replace(BASELINE, seed=seed)) for seed in (1001, 1002, 1003))


@dataclass
class Server:
    """An MLflow server on a port and a database of its own, whatever becomes of its process."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = [
            "--backend-store-uri",
            f"sqlite:///{self.folder}/mlflow.db",
            "--artifacts-destination",
            self.folder / "kept",
        ]
        command = [sys.executable, "-m", "mlflow", "server", *words, "--port", self.port, "--workers", 1]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        log = (self.folder / "log.txt").open("ab")
        with log:
            self.process = subprocess.Popen(
                list(map(str, command)), env={**os.environ, **quiet}, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + 120
        while not self.answers():
            assert time.monotonic() < until, (self.folder / "log.txt").read_text()
            time.sleep(0.2)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                return True
        except OSError:
            return False

    def signal(self, number: int) -> None:
        """To all its processes."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()
        self.process = None


def theirs(tables: Any, points: Any) -> Any:
    """The points at the server of the runs that `points` are of."""
    signatures = {point[0] for point in points}
    return Counter({point: count for point, count in tables.points().items() if point[0] in signatures})


@pytest.fixture(scope="session")
def lasting(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(empty_database.read_bytes())
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    server = Server(folder, port)
    yield server
    if server.process is not None:
        server.kill()


@pytest.fixture
def server(lasting: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The session's server, running, and the tracker of the test."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", lasting.uri)
    if lasting.process is None:
        lasting.start()
    return lasting


def test_a_server_that_comes_late_gets_everything(
    lasting: Server, trainer: Any, tables_of: Any, journal_points: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", lasting.uri)
    trainer.runs(3)
    assert "cannot be reached" in synchronise(tmp_path).failure
    lasting.start()
    assert synchronise(tmp_path).failure == ""
    assert theirs(tables_of(lasting.folder), journal_points()) == journal_points()


def test_a_server_killed_while_it_is_sent_to_has_everything_once_when_it_is_back(
    server: Server, trainer: Any, tables_of: Any, journal_points: Any, tmp_path: Path
) -> None:
    tables = tables_of(server.folder)
    trainer.runs(30, first=100)
    attempt, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(5))
    trainer.checkpoint(attempt, journal, 5)
    follower = Follower(tmp_path, seconds=0.1)
    while len(theirs(tables, journal_points())) < 100:
        time.sleep(0.02)
    server.kill()
    trainer.train(journal, range(5, 9))
    trainer.end(attempt, journal)
    said = follower.finish(30)
    assert said is not None
    assert said.startswith(f"not synced: {server.uri} cannot be reached")
    assert len(theirs(tables, journal_points())) < len(journal_points())
    server.start()
    assert synchronise(tmp_path).failure == ""
    assert theirs(tables, journal_points()) == journal_points()
    assert tables.run(PRETRAIN.signature)[1] == "FINISHED"


def test_a_frozen_server_is_given_up_in_bounded_time_and_caught_up_with_later(
    server: Server, trainer: Any, tables_of: Any, journal_points: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destination, "PROBE_SECONDS", 0.5)
    trainer.run(FROZEN)
    server.signal(signal.SIGSTOP)
    begun = time.monotonic()
    assert "did not answer" in synchronise(tmp_path).failure
    assert time.monotonic() - begun < 3
    server.signal(signal.SIGCONT)
    monkeypatch.undo()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    assert synchronise(tmp_path).failure == ""
    assert theirs(tables_of(server.folder), journal_points()) == journal_points()


def test_a_diverged_run_reaches_the_server_with_its_artefacts(
    server: Server, trainer: Any, tables_of: Any, tmp_path: Path
) -> None:
    attempt, journal = trainer.start(DIVERGED)
    trainer.train(journal, range(2), grad_norm=math.nan)
    trainer.end(attempt, journal, "diverged")
    assert synchronise(tmp_path).failure == ""
    tables = tables_of(server.folder)
    run_id, status, *_ = tables.run(DIVERGED.signature)
    assert status == "FAILED"
    assert tables.rows("SELECT step, is_nan FROM metrics WHERE key = 'grad_norm'") == [(0, 1), (1, 1)]
    names = ["journal.jsonl", "labels.json", "recipe.json", "record.json"]
    assert [path.name for path in sorted(server.folder.glob(f"kept/*/{run_id}/artifacts/*"))] == names


def test_what_reports_need_comes_back_from_the_server_alone(server: Server, trainer: Any, tmp_path: Path) -> None:
    done, living = (Stage(replace(BASELINE, seed=seed)) for seed in (1004, 1005))
    trainer.run(done, loss=0.123456789012345678)
    attempt, journal = trainer.start(living)
    trainer.train(journal, range(6))
    trainer.checkpoint(attempt, journal, 6)
    trainer.train(journal, range(6, 9))
    (attempt.folder / usage.NAME).write_bytes(line({"step": 1, "system/process_memory_megabytes": 9.0, "time": 1.0}))
    for stage in (done, living):
        cell = {"name": stage.signature, "case": "75", "label": "75 %", "protocol": "pretrain", "seed": 0}
        write_labels(tmp_path, "mask_ratio", "mini", "recovered", [cell | {"signature": stage.signature}])
    assert synchronise(tmp_path).failure == ""
    store = Store(tmp_path)
    with recovered(server.uri, "mini", "recovered") as folder:
        theirs = Store(folder)
        assert {run.signature: run.status for run in theirs.runs()} == {
            done.signature: "done",
            living.signature: "running",
        }
        assert theirs.run(done.signature).record == store.run(done.signature).record
        assert list(theirs.run(done.signature).rows()) == list(store.run(done.signature).rows())
        assert list(theirs.run(living.signature).rows()) == list(store.run(living.signature).rows())[:6]
        assert read_labels(folder)[done.signature] == read_labels(tmp_path)[done.signature]


@pytest.mark.drill
def test_a_server_that_came_back_empty_is_filled_again(
    server: Server, trainer: Any, tables_of: Any, journal_points: Any, tmp_path: Path, empty_database: Path
) -> None:
    trainer.runs(3, first=200)
    assert synchronise(tmp_path).failure == ""
    server.kill()
    for path in server.folder.glob("mlflow.db*"):
        path.unlink()
    (server.folder / "mlflow.db").write_bytes(empty_database.read_bytes())
    server.start()
    assert synchronise(tmp_path).failure == ""
    assert tables_of(server.folder).points() == journal_points()

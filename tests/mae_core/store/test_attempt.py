"""Attempts: taken by one, finished once, and never overwritten by somebody given up for dead."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mae_core.recipes import BASELINE
from mae_core.signature import Stage
from mae_core.store import attempt as attempts_module
from mae_core.store import journal
from mae_core.store.attempt import RECORD, Attempt, Heartbeat, Watch, attempts, finish, take
from mae_core.store.files import write_sealed
from mae_core.store.run import Store
from mae_core.store.upkeep import usage


@pytest.fixture
def run(tmp_path):
    return Store(tmp_path).plan(Stage(BASELINE)).folder


def test_of_many_who_take_one_attempt_exactly_one_gets_it(run):
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: take(run, 1), range(64)))
    assert sum(attempt is not None for attempt in taken) == 1
    assert [path.name for path in run.iterdir() if path.is_dir()] == ["attempt-1"]


def test_a_rename_that_was_done_but_told_as_failed_has_taken_the_attempt(run, monkeypatch):
    rename = Path.rename

    def lost_answer(path, target):
        rename(path, target)
        raise FileNotFoundError(path)  # what NFS says when it tries a rename again that was done

    monkeypatch.setattr(Path, "rename", lost_answer)
    assert take(run, 1) == Attempt(run / "attempt-1")
    monkeypatch.undo()
    assert take(run, 1) is None


def test_this_process_is_alive_and_one_that_exited_is_not(run):
    assert take(run, 1).alive() is True
    code = "import sys; from pathlib import Path; from mae_core.store.attempt import take; take(Path(sys.argv[1]), 2)"
    subprocess.run([sys.executable, "-c", code, str(run)], check=True)
    assert attempts(run)[1].alive() is False


def test_a_recycled_process_number_is_not_the_owner(run):
    attempt = take(run, 1)
    write_sealed(attempt.folder / "owner.json", {**attempt.owner, "started": attempt.owner["started"] - 100})
    assert attempt.alive() is False


def test_an_owner_on_another_host_lives_while_its_heartbeat_moves(run):
    attempt = take(run, 1)
    write_sealed(attempt.folder / "owner.json", {**attempt.owner, "host": "elsewhere"})
    watch = Watch(lease=0.2)
    for beat in range(3):
        write_sealed(attempt.folder / "progress.json", {"beat": beat})
        assert watch.alive(attempt)
        time.sleep(0.12)
    time.sleep(0.3)
    assert not watch.alive(attempt)


def test_a_run_is_finished_by_one_attempt_and_a_zombie_cannot_change_that(tmp_path, run):
    zombie, successor = take(run, 1), take(run, 2)
    for attempt, top1 in ((successor, 2.0), (zombie, 1.0)):
        write_sealed(attempt.folder / RECORD, {"state": "done", "metrics": {"top1": top1}})
    assert finish(successor)
    assert not finish(zombie)
    assert Store(tmp_path).run(run.name).metrics == {"top1": 2.0}


def test_a_run_whose_finishing_record_was_damaged_is_finished_anew(tmp_path, run):
    first, second = take(run, 1), take(run, 2)
    for attempt, top1 in ((first, 1.0), (second, 2.0)):
        write_sealed(attempt.folder / RECORD, {"state": "done", "metrics": {"top1": top1}})
    assert finish(first)
    (first.folder / RECORD).write_bytes(b"cut")
    assert Store(tmp_path).run(run.name).status == "interrupted"
    assert finish(second)
    assert Store(tmp_path).run(run.name).metrics == {"top1": 2.0}


@pytest.mark.parametrize("name", ["attempt-\u00b2", "attempt-", "attempt-0", "attempt-1x", "attempt--1"])
def test_what_is_no_attempt_by_its_name_is_none(run, name):
    (run / name).mkdir()
    assert attempts(run) == []


def test_a_heartbeat_that_cannot_write_does_not_end_the_work(run):
    attempt = take(run, 1)
    with Heartbeat(Attempt(run / "not-there")) as heartbeat:
        time.sleep(0.05)
        assert heartbeat._thread.is_alive()
    assert attempt.progress == {}


def test_another_boot_means_dead(run, monkeypatch):
    attempt = take(run, 1)
    monkeypatch.setattr(attempts_module, "this_boot", lambda: "another")
    assert attempt.alive() is False
    assert attempt.owner["pid"] == os.getpid()


def test_what_the_work_takes_of_its_machine_is_noted_beside_it(run, monkeypatch):
    monkeypatch.setattr(attempts_module, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(usage, "SECONDS", 0.05)
    attempt = take(run, 1)
    with Heartbeat(attempt):
        time.sleep(0.3)
    rows = list(journal.rows(attempt.folder / usage.NAME))
    assert len(rows) >= 2
    assert all(row["system/process_memory_megabytes"] > 0 for row in rows)
    assert all(0 <= row["system/cpu_utilization_percentage"] <= 100 for row in rows)


def test_samples_of_a_later_attempt_stand_after_those_of_the_first(run):
    first, second = take(run, 1), take(run, 2)
    write_sealed(first.folder / "owner.json", {**first.owner, "taken": time.time() - 100})
    for attempt in (first, second):
        with Heartbeat(attempt):
            pass
    (row,) = journal.rows(second.folder / usage.NAME)
    assert row["step"] >= 100

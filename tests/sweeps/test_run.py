"""The sweep command: from nothing to a report, killed and repeated; bad input is one sentence."""

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pytest
from rich.console import Console

from mae_core.data.catalogue import describe
from mae_core.scales import SMOKE
from mae_core.store.run import Store
from sweeps import worker
from sweeps.launch import REHIRES, Search, Sweep
from sweeps.run import main
from sweeps.selection import select
from sweeps.studies import FINETUNE_LR
from sweeps.trials import BLOCKED, MOST_FAILURES, Trials, register


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "sweeps.run", *words, "--scale", "smoke", "--seeds", "1", "--home", str(home)]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["finetune_rl"], "did you mean finetune_lr?"),
        (["tune_rows"], "Say whose rows to tune"),
        (["tune_rows", "mask_ratoi"], "did you mean mask_ratio?"),
        (["finetune_lr", "pretrain_lr"], "Name one study"),
        (["tune_rows", "all"], "tunes the rows of one ablation"),
        (["finetune_lr", "--trials", "0"], "give 1 or more"),
        (["finetune_lr", "--scale", "huge"], "There is no scale 'huge'"),
    ],
)
def test_bad_input_is_one_sentence(capsys, tmp_path, words, complaint):
    assert main([*words, "--home", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert complaint in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "words", "complaint"),
    [
        (
            main,
            ["finetune_lr", "--trials", "many"],
            "Argument --trials: invalid int value: 'many'; `python -m sweeps.run",
        ),
        (worker.main, ["finetune_lr"], "required: --scale, --data, --home, --trials; `python -m sweeps.worker --help`"),
    ],
)
def test_bad_usage_is_one_sentence(capsys, command, words, complaint):
    with pytest.raises(SystemExit, match="2"):
        command(words)
    printed = capsys.readouterr().err
    assert complaint in printed
    assert printed.count("\n") == 1


def test_a_worker_that_is_sent_to_no_study_says_so(capsys, tmp_path):
    words = ["finetune_rl", "--scale", "smoke", "--data", "fashion_mnist", "--home", str(tmp_path), "--trials", "1"]
    assert worker.main(words) == 2
    assert capsys.readouterr().err.endswith("did you mean finetune_lr?\n")


def test_a_worker_that_is_asked_for_less_than_no_trials_says_so(capsys, tmp_path):
    words = ["finetune_lr", "--scale", "smoke", "--data", "fashion_mnist", "--home", str(tmp_path), "--trials", "-3"]
    assert worker.main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


class Gone:
    """A worker that is gone as soon as it is hired."""

    def __init__(self, status):
        self.returncode = status

    def poll(self):
        return self.returncode


@pytest.fixture
def search(tmp_path, monkeypatch):
    """A launch for two trials on one core, whose workers each do something and are gone with a status."""
    monkeypatch.setattr("sweeps.launch.processes_for", lambda *_: 1)
    monkeypatch.setattr("sweeps.launch.LOOK_SECONDS", 0.0)
    sweep = Sweep(select("finetune_lr"), SMOKE, describe("fashion_mnist", tmp_path), tmp_path, 2, 1)
    trials = Trials(replace(FINETUNE_LR, sampler="quasi-random"), sweep.files, register(sweep.files), 2)
    found = Search(sweep, [trials], trials.since)
    found.hired = 0

    def run(*workers):
        def hire():
            status, act = workers[min(found.hired, len(workers) - 1)]
            found.hired += 1
            act(trials)
            return Gone(status)

        monkeypatch.setattr(found, "_hire", hire)
        return found.run(Console(quiet=True))

    found.with_workers = run
    return found


def nothing(trials):
    pass


def succeeds(trials):
    trials.complete(trials.next()[0], 50.0)


def fails(trials):
    trials.fail(trials.next()[0], "finetune-0 failed: no such file")


def test_a_search_whose_workers_die_says_how_many_trials_are_missing_and_where_to_look(search):
    told = search.with_workers((1, nothing))
    assert told.startswith(f"2 of 2 trials are missing: {1 + REHIRES} workers died.")
    assert "workers.log" in told


def test_workers_that_die_are_counted_from_the_last_trial_that_ended(search):
    dying = [(1, nothing)] * REHIRES
    assert search.with_workers(*dying, (1, succeeds), *dying, (0, succeeds)) == ""


def test_a_search_whose_trials_all_fail_ends_with_their_reason_once(search):
    told = search.with_workers((0, fails))
    assert told.startswith("2 of 2 trials are missing: finetune-0 failed: no such file. What")
    assert search.hired == MOST_FAILURES


def test_a_full_disk_ends_the_search_and_no_other_worker_is_sent(search):
    assert "no space is left" in search.with_workers((BLOCKED, nothing))
    assert search.hired == 1


def in_mlflow(home: Path) -> Counter:
    """How many runs of studies and trials MLflow has, by status."""
    query = "SELECT value, status FROM tags JOIN runs USING (run_uuid) WHERE value IN ('study', 'trial')"
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        return Counter(database.execute(query))


def workers_at(journal: Path, launcher: psutil.Process, but: set[int]) -> list[psutil.Process]:
    """The launcher's workers, others than those numbered, once the study has a trial under way."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = [child for child in launcher.children() if child.pid not in but and "sweeps.worker" in child.cmdline()]
        if found and journal.exists() and '"signature' in journal.read_text():
            return found
        time.sleep(0.2)
    pytest.fail("no worker began")


@pytest.mark.slow
def test_a_sweep_whose_worker_and_then_everything_is_killed_goes_on_and_ends_at_its_number(home):
    words = command(home, "finetune_lr", "--trials", "4")
    first = psutil.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = home / "sweeps" / "finetune_lr.journal"
    early = workers_at(journal, first, set())
    early[0].kill()
    workers_at(journal, first, {worker.pid for worker in early})  # another was hired in its place
    for process in [first, *first.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    first.wait()
    again = subprocess.run(words, capture_output=True, text=True, timeout=280, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    report = home / "reports" / "sweeps" / "finetune_lr"
    trials = pd.read_csv(report / "trials.csv")
    assert len(trials) == 4
    distinct = trials.loc[trials["repeat_of"].isna(), "signature"]
    assert distinct.is_unique
    store = Store(home)
    for trial in trials[trials["state"] == "complete"].itertuples():
        assert store.run(trial.signature).metrics["top1"] == pytest.approx(trial.heldout_top1)
    assert "test top-1" in again.stdout or "No trial was better" in again.stdout
    assert (report / "report.html").stat().st_size > 10_000
    assert "/sweeps/finetune_lr/report.html" in (home / "reports" / "index.html").read_text()
    assert json.loads(journal.read_text().splitlines()[-1])
    subprocess.run([sys.executable, "-m", "mae_core.tracking", "sync", "--home", home], timeout=120, check=True)
    expected = Counter(("trial", {"complete": "FINISHED", "pruned": "KILLED"}[state]) for state in trials["state"])
    assert in_mlflow(home) == expected + Counter({("study", "FINISHED"): 1})


def test_as_many_workers_as_asked_for_are_hired_here_too(tmp_path):
    info = describe("fashion_mnist", tmp_path)
    for asked, hired in ((1, 1), (3, 3), (9, 4)):
        sweep = Sweep(select("finetune_lr"), SMOKE, info, tmp_path, 4, 1, asked)
        trials = Trials(FINETUNE_LR, sweep.files, register(sweep.files), 4)
        assert Search(sweep, [trials], trials.since).count == hired

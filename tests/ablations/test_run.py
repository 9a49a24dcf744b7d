"""The command: bad input gets one sentence and exit 2; real input trains, reports, and survives being killed."""

import csv
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from ablations.run import main
from mae_core.store.run import Store
from tests.mae_core.data.pictures import damage, paint_split

ROOT = Path(__file__).parents[2]
LONG = """
from dataclasses import replace
from ablations.spec import Ablation, Case
from mae_core.recipes import BASELINE, LINEAR_PROBE
long = replace(BASELINE, epochs=6400)
case = Case("long", "long", long)
ABLATION = Ablation("long", "A long row", "ours", "row", "long", (case,), {"linear_probe": LINEAR_PROBE})
"""


def command(*words, home, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "ablations.run", *words, "--home", str(home)],
        cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mask_ration"], "did you mean mask_ratio"),
        (["mask_ratio", "--scale", "minii"], "mini"),
        (["mask_ratio", "--seeds", "0"], "1 or more"),
        (["mask_ratio:77"], "75"),
        (["mask_ratio/fine"], "choose one of finetune, linear_probe"),
        (["nowhere.py"], "nowhere.py"),
        ([], "--list"),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_2(words, said, tmp_path, capsys):
    assert main([*words, "--home", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1


def test_a_folder_without_images_is_refused(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["mask_ratio", "--data", str(tmp_path / "empty"), "--home", str(tmp_path)]) == 2
    assert "no images" in capsys.readouterr().err


def test_a_home_that_cannot_be_written_is_refused(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["mask_ratio", "--home", str(tmp_path / "file" / "home")]) == 2
    assert "--home" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["mask_ratio", "--dry-run"], ["--list"]])
def test_looking_costs_no_torch(words, tmp_path):
    code = (
        "import sys; from ablations.run import main; "
        f"assert main({[*words, '--home', str(tmp_path)]!r}) == 0; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.slow
def test_one_row_really_trains_and_a_repetition_only_reports(home):
    first = command("mask_ratio:75", "--scale", "smoke", home=home)
    _, err = first.communicate(timeout=240)
    assert first.returncode == 0, err
    rows = list(csv.DictReader((home / "reports" / "mask_ratio" / "table.csv").read_text().splitlines()))
    done = {(row["case_key"], row["protocol"]) for row in rows if row["status"] == "done"}
    assert done == {("75", "finetune"), ("75", "linear_probe")}
    report = home / "reports" / "mask_ratio"
    assert all((report / name).is_file() for name in ("figure.png", "report.html", "table.tex"))
    attempts = sorted(home.glob("runs/*/attempt-*"))
    again = command("mask_ratio:75", "--scale", "smoke", home=home)
    again.communicate(timeout=120)
    assert again.returncode == 0
    assert sorted(home.glob("runs/*/attempt-*")) == attempts


def final_state(home):
    """Weights and metrics of every finished run."""
    state = {}
    for run in Store(home).runs():
        if run.finished is not None and run.document["kind"] in ("pretrain", "linear_probe"):
            weights = load_file(run.finished.folder / "weights.safetensors")
            rows = [{k: v for k, v in row.items() if k != "time"} for row in run.rows()]
            state[run.signature] = ({k: v.numpy().tobytes() for k, v in weights.items()}, run.metrics, rows)
    return state


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_bits_and_does_not_start_over(home, tmp_path):
    spec = tmp_path / "long.py"
    spec.write_text(LONG)
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    (undisturbed / "data").symlink_to(home / "data")
    command(str(spec), "--scale", "smoke", home=undisturbed).communicate(timeout=240)
    draws = random.Random(0)
    for _ in range(3):
        process = command(str(spec), "--scale", "smoke", home=home, MAE_CHECKPOINT_SECONDS="0.2")
        wait_for_steps(home, process)
        time.sleep(draws.uniform(0, 1.5))
        os.killpg(process.pid, signal.SIGKILL)
        kill_workers(home)
        process.communicate()
    last = command(str(spec), "--scale", "smoke", home=home, MAE_CHECKPOINT_SECONDS="0.2")
    _, err = last.communicate(timeout=240)
    assert last.returncode == 0, err
    assert final_state(home) == final_state(undisturbed)
    logs = [path.read_text() for path in sorted(home.glob("runs/pretrain-*/attempt-*/log.txt"))]
    assert len(logs) >= 2
    assert int(re.findall(r"going on from step (\d+)", logs[-1])[0]) > 0


def wait_for_steps(home, process):
    """Until the pre-training of this launch has a checkpoint, or the launch is over."""
    known = set(home.glob("runs/pretrain-*/attempt-*"))
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        fresh = set(home.glob("runs/pretrain-*/attempt-*")) - known
        if any(list(attempt.glob("checkpoints/step-*")) for attempt in fresh):
            return
        time.sleep(0.05)


def kill_workers(home):
    """kill -9 of every worker of that home: the machine goes down with all its processes."""
    subprocess.run(["pkill", "-9", "-f", f"mae_core.launch.worker --home {home}"], check=False)


@pytest.mark.slow
def test_two_launchers_of_the_same_row_do_each_stage_once_and_both_report_it(home):
    launchers = [command("mask_ratio:75", "--scale", "smoke", home=home) for _ in range(2)]
    for launcher in launchers:
        _, err = launcher.communicate(timeout=280)
        assert launcher.returncode == 0, err
    runs = Store(home).runs()
    assert all(run.status == "done" for run in runs)
    assert {run.signature: len(run.attempts) for run in runs} == {run.signature: 1 for run in runs}


@pytest.mark.slow
def test_ctrl_c_ends_launcher_and_workers_in_a_sentence_that_says_how_to_go_on(home):
    first = command("mask_ratio:75", "--scale", "smoke", home=home)
    deadline = time.monotonic() + 120
    while not list(home.glob("runs/pretrain-*/attempt-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=120)
    assert first.returncode == 130
    assert "the same command goes on from here" in err
    assert "Traceback" not in err
    workers = subprocess.run(["pgrep", "-f", f"mae_core.launch.worker --home {home}"], capture_output=True, check=False)
    assert workers.stdout == b""


@pytest.mark.slow
def test_a_cell_that_fails_gives_exit_1_and_a_report_that_says_which_and_why(home, tmp_path):
    photos = paint_split(tmp_path / "photos", train=8)
    damage(photos / "val" / "cat" / "000.png", "cut short")
    failing = command("mask_ratio:75", "--scale", "smoke", "--data", str(photos), home=home)
    printed, err = failing.communicate(timeout=240)
    assert (failing.returncode, "Traceback" in err) == (1, False)
    assert "failed" in printed
    (line,) = re.findall("mask_ratio/75/finetune/0,.*", (home / "reports" / "mask_ratio" / "cells.csv").read_text())
    assert ",failed," in line
    assert "000.png" in line

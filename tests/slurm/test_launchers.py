"""Launchers on a real cluster: each stage is submitted and run once, whoever asks, how often, and however he ends."""

import csv
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mae_core.launch.slurm import queue
from mae_core.launch.slurm.submitting.arrays import KEEPER_FILE, Arrays
from mae_core.store.files import read_sealed
from mae_core.store.run import Store
from tests.slurm.conftest import SETTINGS, slurm, until

ROOT = Path(__file__).parents[2]
HELD = SETTINGS.replace("stages_per_job = 8", "more = { hold = true }")
SPEC = """
from dataclasses import replace
from ablations.spec import Ablation, Case
from mae_core.recipes import BASELINE, LINEAR_PROBE
cases = tuple(Case(str(depth), str(depth), replace(BASELINE, decoder_depth=depth)) for depth in (4, 8))
ABLATION = Ablation("two", "Two rows", "ours", "decoder depth", "8", cases, {"linear_probe": LINEAR_PROBE})
"""

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]


def launch(*words, home):
    return subprocess.Popen(
        [sys.executable, "-m", "ablations.run", *words, "--scale", "smoke", "--cluster", "slurm", "--home", str(home)],
        cwd=home, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def waiting(home):
    """How often each stage is in the queue."""
    arrays = {one.array.name: one.array for one in Arrays(home).all()}
    return Counter(s for name, index in queue.queued() if name in arrays for s in arrays[name].tasks[index])


def table(home, name):
    """The report's numbers, without how long they took."""
    found = {}
    for file in ("table.csv", "baselines.csv"):
        for row in csv.DictReader((home / "reports" / name / file).read_text().splitlines()):
            key = (file, row["case_key"], row["protocol"], row["metric"])
            found[key] = {k: v for k, v in row.items() if k not in ("seconds", "images_per_second")}
    return found


def local_table(home, words, name):
    command = [sys.executable, "-m", "ablations.run", *words, "--scale", "smoke", "--home", str(home)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return table(home, name)


def end_keeper(home):
    """End the keeper, so that a job has to bring another; its name."""
    name = read_sealed(home / "cluster" / KEEPER_FILE)["name"]
    slurm("scancel", "--name", name)
    return name


def check_equal_to_the_local_pool(words, name, home, elsewhere):
    """Submit, close the launcher, end the keeper, and compare the next one's report with the local pool's."""
    launcher = launch(*words, home=home)
    _, err = launcher.communicate()
    assert launcher.returncode == 0, err
    ended = end_keeper(home)
    elsewhere.mkdir()
    (elsewhere / "data").symlink_to(home / "data")
    expected = local_table(elsewhere, words, name)
    until(lambda: (read_sealed(home / "cluster" / KEEPER_FILE) or {}).get("name", "") != ended)
    until(lambda: list((home / "cluster" / "launches").glob("*.over")))
    assert {row["status"] for row in expected.values()} == {"done"}
    assert table(home, name) == expected


def test_a_plan_finishes_without_its_launcher_and_gives_the_local_pools_table(cluster, tmp_path):
    spec = tmp_path / "two.py"
    spec.write_text(SPEC)
    check_equal_to_the_local_pool([str(spec)], "two", cluster, tmp_path / "elsewhere")
    assert all(len(run.attempts) == 1 for run in Store(cluster).runs())
    until(lambda: not (cluster / "cluster" / KEEPER_FILE).exists())  # the keeper leaves when nothing is left


@pytest.mark.drill
def test_the_whole_mask_ratio_figure_is_equal_on_the_cluster_and_in_the_local_pool(cluster, tmp_path):
    check_equal_to_the_local_pool(["mask_ratio"], "mask_ratio", cluster, tmp_path / "elsewhere")


def test_two_launchers_at_the_same_moment_submit_each_stage_once(cluster):
    (cluster / "cluster.toml").write_text(HELD)
    for seeds in range(1, 11):  # ten times, each with more to submit
        both = [launch("mask_ratio:75", "--seeds", str(seeds), home=cluster) for _ in range(2)]
        said = [process.communicate() for process in both]
        assert [process.returncode for process in both] == [0, 0], said
        assert set(waiting(cluster).values()) == {1}


def test_five_thousand_stages_go_in_chunks_and_nothing_twice_though_the_launcher_is_killed(cluster):
    (cluster / "cluster.toml").write_text(HELD)
    words = ("mask_ratio", "--seeds", "152")
    killed = launch(*words, home=cluster)
    until(lambda: len(list((cluster / "cluster" / "arrays").glob("*.job"))) >= 2, every=0.002)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    half = sum(waiting(cluster).values())
    again = launch(*words, home=cluster)
    _, err = again.communicate()
    assert again.returncode == 0, err
    stages = waiting(cluster)
    assert len(stages) > 5000
    assert len(stages) > half > 0
    assert set(stages.values()) == {1}
    assert all(len(one.array.tasks) <= 1000 for one in Arrays(cluster).all())
    check_status_is_quick(cluster)


def check_status_is_quick(home):
    """Processor time, for others may be at this machine: two seconds where it is free."""
    command = [sys.executable, "-m", "ablations.status", "--home", str(home)]
    before = os.times()
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    after = os.times()
    assert answer.stdout.count("  held  ") > 3000
    assert after.children_user + after.children_system - before.children_user - before.children_system < 2

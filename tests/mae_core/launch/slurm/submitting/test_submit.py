"""Submission: scripts say what they should and no more, and nothing goes in twice."""

import os
import re
import threading
from collections import Counter
from dataclasses import replace

import pytest

from mae_core.launch.slurm.queue import queued
from mae_core.launch.slurm.settings import ClusterSettings
from mae_core.launch.slurm.submitting.submit import Cluster, dismissed
from mae_core.recipes import BASELINE, FINETUNE, LINEAR_PROBE
from mae_core.signature import Stage
from mae_core.store.attempt import OWNER, RECORD, Attempt, take
from mae_core.store.ends import end_of
from mae_core.store.files import write_sealed
from mae_core.store.run import Store


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def stages(home, pretrainings):
    found = []
    for seed in range(pretrainings):
        parent = Stage(replace(BASELINE, seed=seed))
        found += [parent, *(Stage(replace(recipe, seed=seed), (parent,)) for recipe in (FINETUNE, LINEAR_PROBE))]
    for stage in found:
        Store(home).plan(stage)
    return found


def cluster(home, **settings):
    return Cluster(home, ClusterSettings(**settings), home / "code")


def in_queue(one):
    """How often each stage is in the queue."""
    arrays = {array.array.name: array.array for array in one.arrays.all()}
    return Counter(s for name, index in queued() if name in arrays for s in arrays[name].tasks[index])


def test_a_script_carries_the_stages_place_and_what_the_settings_ask_for(home, scheduler):
    cluster(home, partition="gpu", nodes=2, gpus_per_node=4, ranks_per_node=4, setup=("module load cuda",)).submit(
        stages(home, 3)
    )
    first, second, _ = [path.read_text() for path in sorted(scheduler[0].glob("*.sh"))]
    for word in (
        "--partition=gpu",
        "--nodes=2",
        "--gpus-per-node=4",
        "--ntasks-per-node=4",
        "--array='?0-2%",
        "--requeue",
    ):
        assert re.search(word, first), word
    assert "--open-mode=append" in first
    assert "aftercorr:1" in second
    assert first.index("module load cuda") < first.index("srun")
    assert "mae_core.launch.slurm.job" in first
    assert not list(home.rglob("*.pkl"))


def test_data_are_staged_where_stages_are_computed_and_not_for_the_keeper(home, scheduler):
    one = cluster(home, nodes=2, stage_in="tar -xf images.tar", imagenet="local/images")
    one.submit(stages(home, 1)[:1], keeper=True)
    keeper, pretraining = [path.read_text() for path in sorted(scheduler[0].glob("*.sh"))]
    assert "images" not in keeper
    assert re.search(r"srun --nodes=2 .*images.tar.*\nexport MAE_IMAGENET=local/images", pretraining)


def test_an_allocations_variables_reach_neither_sbatch_nor_this_process(home, scheduler, commands, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_CONF", "site.conf")
    commands("sbatch", f"env | grep ^SLURM > {home}/seen; echo Submitted batch job 1")
    cluster(home).submit(stages(home, 1)[:1])
    assert (home / "seen").read_text() == "SLURM_CONF=site.conf\n"
    assert os.environ["SLURM_JOB_ID"] == "7"


def test_the_same_again_submits_nothing_more(home, scheduler):
    wanted, one = stages(home, 4), cluster(home)
    assert one.submit(wanted).stages == 12
    assert one.submit(wanted).submitted == []
    assert set(in_queue(one).values()) == {1}


@pytest.mark.parametrize("most", [0, 1, 2])
def test_what_slurm_refuses_is_submitted_later_and_the_rest_not_again(home, scheduler, most):
    wanted, one = stages(home, 4), cluster(home)
    scheduler[1](most)
    refused = one.submit(wanted)
    assert "Batch job submission failed: Job violates accounting/QOS policy" in refused.refused
    assert "max_submitted" in refused.refused
    assert refused.stages == 4 * most
    scheduler[1]()
    one.submit(wanted)
    assert in_queue(one) == Counter(stage.signature for stage in wanted)


def test_a_launcher_that_dies_before_it_noted_the_job_loses_nothing(home, scheduler):
    wanted, one = stages(home, 4), cluster(home)
    one.submit(wanted)
    for note in one.arrays.folder.glob("*.job"):
        note.unlink()
    assert cluster(home).submit(wanted).submitted == []


def test_launchers_at_the_same_moment_submit_each_stage_once(home, scheduler):
    wanted = stages(home, 5)
    threads = [threading.Thread(target=lambda: cluster(home).submit(wanted, keeper=True)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert in_queue(cluster(home)) == Counter(stage.signature for stage in wanted)
    assert sum("slurm.keeper" in path.read_text() for path in scheduler[0].glob("*.sh")) == 1


def test_the_sites_limit_is_kept_and_topped_up(home, scheduler):
    wanted, one = stages(home, 10), cluster(home, max_submitted=7)
    one.submit(wanted)
    assert sum(in_queue(one).values()) == 7


def test_the_keeper_leaves_only_when_no_launch_is_under_way(home):
    assert dismissed(home)


@pytest.mark.parametrize("record", [None, {"state": "failed"}])
def test_a_node_is_excluded_for_deaths_without_a_word_alone(home, scheduler, commands, record):
    wanted, one = stages(home, 1), cluster(home)
    one.submit(wanted[:1])
    (name,) = [array.array.name for array in one.arrays.all()]
    attempt = take(one.store.run(wanted[0].signature).folder, 1)
    write_sealed(attempt.folder / OWNER, attempt.owner | {"job": "1"})
    if record:
        write_sealed(attempt.folder / RECORD, record)
    commands("sacct", f"for _ in 1 2; do echo '1_0|{name}|FAILED|137:0|n1|2026-01-01T00:00:00|1'; done")
    one.submit(stages(home, 2)[3:])
    last = max(scheduler[0].glob("*.sh")).read_text()
    assert ("exclude=n1" in last) == (record is None)


@pytest.mark.parametrize(("state", "how"), [("OUT_OF_MEMORY", "memory"), ("TIMEOUT", "time limit"), ("FAILED", None)])
def test_what_accounting_says_of_a_lost_job_is_written_beside_its_attempt(home, scheduler, commands, state, how):
    wanted, one = stages(home, 1)[:1], cluster(home)
    one.submit(wanted)
    (name,) = [array.array.name for array in one.arrays.all()]
    folder = take(one.store.run(wanted[0].signature).folder, 1).folder
    write_sealed(folder / OWNER, Attempt(folder).owner | {"job": "1", "boot": "another"})
    commands("squeue", "exit 0")
    commands("sacct", f"echo '1_0|{name}|{state}|0:125|n1|2026-01-01T00:00:00|1'")
    assert one.submit(wanted).stages == 1
    assert end_of(folder) == how
    assert "exclude" not in max(scheduler[0].glob("*.sh")).read_text()
